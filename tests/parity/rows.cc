#include "parity/rows.h"

#include <map>

namespace lathe::parity {

std::span<const Row> rows() {
  static const std::vector<Row> kRows = {
      {"Add", add_cases, {0}},
      {"ArgMax", arg_max_cases, {0}},
      {"ExpertLinear", expert_linear_cases, {0, 2}},
      {"ExpertSum", expert_sum_cases, {0, 1}},
      {"Gather", gather_cases, {1}},
      {"Gelu", gelu_cases, {0}},
      {"KvScratch", kv_scratch_cases, {}},
      {"KvWrite", kv_write_cases, {}},
      {"LayerNormalization", layer_normalization_cases, {0}},
      {"Linear", linear_cases, {0}},
      {"LogSumExp", log_sum_exp_cases, {0}},
      {"LpNormalization", lp_normalization_cases, {0}},
      {"Mul", mul_cases, {0}},
      {"PagedAttention", paged_attention_cases, {}},
      {"QuantizeActivation", quantize_activation_cases, {0}},
      {"QuantizedExpertLinear", quantized_expert_linear_cases, {0, 2}},
      {"QuantizedLinear", quantized_linear_cases, {0}},
      {"RMSNormalization", rms_normalization_cases, {0}},
      {"RotaryEmbedding", rotary_embedding_cases, {0, 1}},
      {"RotaryKvWrite", rotary_kv_write_cases, {}},
      {"RotaryTable", rotary_table_cases, {0}},
      {"SelectExperts", select_experts_cases, {0}},
      {"SequenceMean", sequence_mean_cases, {}},
      {"Swish", swish_cases, {0}},
      {"Tanh", tanh_cases, {0}},
      {"TopK", top_k_cases, {0}},
  };
  return kRows;
}

const std::vector<Case>& cases_of(std::string_view op) {
  static std::map<std::string_view, std::vector<Case>> cases;
  const auto found = cases.find(op);
  if (found != cases.end()) return found->second;
  for (const auto& row : rows())
    if (row.op == op) return cases.emplace(op, row.cases()).first->second;
  return cases[op];
}

}  // namespace lathe::parity
