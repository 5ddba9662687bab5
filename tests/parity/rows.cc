#include "parity/rows.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "parity/rows_array_ops.h"
#include "parity/rows_arrays.h"
#include "parity/rows_codes.h"
#include "parity/rows_elements.h"
#include "parity/rows_product.h"
#include "parity/rows_window.h"

namespace lathe::parity {

namespace {

std::vector<Row> core_rows() {
  return {
      {"Abs", [] { return element_cases("Abs"); }, {}},
      {"Add", add_cases, {0}},
      {"ArgMax", arg_max_cases, {0}},
      {"Attention", attention_cases, {}},
      {"Clip", clip_cases, {}},
      {"Div", [] { return broadcast_cases("Div"); }, {}},
      {"Erf", [] { return element_cases("Erf"); }, {}},
      {"Exp", [] { return element_cases("Exp"); }, {}},
      {"Expand", expand_cases, {}},
      {"ExpertLinear", expert_linear_cases, {0, 2}},
      {"ExpertSum", expert_sum_cases, {0, 1}},
      {"FusedLinear", fused_linear_cases, {0}},
      {"Gather", gather_cases, {1}},
      {"Gelu", gelu_cases, {0}},
      {"Identity", identity_cases, {}},
      {"KvScratch", kv_scratch_cases, {}},
      {"KvWrite", kv_write_cases, {}},
      {"LayerNormalization", layer_normalization_cases, {0}},
      {"Linear", linear_cases, {0}},
      {"Log", [] { return element_cases("Log", 0); }, {}},
      {"LogSoftmax", [] { return softmax_cases("LogSoftmax"); }, {}},
      {"LogSumExp", log_sum_exp_cases, {0}},
      {"LpNormalization", lp_normalization_cases, {0}},
      {"MatMul", mat_mul_cases, {}},
      {"Mul", mul_cases, {0}},
      {"Neg", [] { return element_cases("Neg"); }, {}},
      {"PagedAttention", paged_attention_cases, {}},
      {"Pow", [] { return broadcast_cases("Pow"); }, {}},
      {"QuantizeActivation", quantize_activation_cases, {0}},
      {"QuantizedExpertLinear", quantized_expert_linear_cases, {0, 2}},
      {"QuantizedLinear", quantized_linear_cases, {0}},
      {"RMSNormalization", rms_normalization_cases, {0}},
      {"RangedQuantizeActivation", ranged_quantize_activation_cases, {0}},
      {"Reciprocal", [] { return element_cases("Reciprocal"); }, {}},
      {"ReduceL1", [] { return reduce_cases("ReduceL1"); }, {}},
      {"ReduceL2", [] { return reduce_cases("ReduceL2"); }, {}},
      {"ReduceLogSum", [] { return reduce_cases("ReduceLogSum"); }, {}},
      {"ReduceLogSumExp", [] { return reduce_cases("ReduceLogSumExp"); }, {}},
      {"ReduceMax", [] { return reduce_cases("ReduceMax"); }, {}},
      {"ReduceMean", [] { return reduce_cases("ReduceMean"); }, {}},
      {"ReduceMin", [] { return reduce_cases("ReduceMin"); }, {}},
      {"ReduceSum", [] { return reduce_cases("ReduceSum"); }, {}},
      {"ReduceSumSquare", [] { return reduce_cases("ReduceSumSquare"); }, {}},
      {"Relu", [] { return element_cases("Relu"); }, {}},
      {"RotaryEmbedding", rotary_embedding_cases, {0, 1}},
      {"RotaryKvWrite", rotary_kv_write_cases, {}},
      {"RotaryTable", rotary_table_cases, {0}},
      {"RoundActivation", round_activation_cases, {0}},
      {"RowProgram", row_program_cases, {}},  // row_program_test.cc
      {"SelectExperts", select_experts_cases, {0}},
      {"SequenceMean", sequence_mean_cases, {}},
      {"Sigmoid", [] { return element_cases("Sigmoid"); }, {}},
      {"Softmax", [] { return softmax_cases("Softmax"); }, {}},
      {"SoftmaxTopK", softmax_top_k_cases, {}},
      {"Softplus", [] { return element_cases("Softplus"); }, {}},
      {"Sqrt", [] { return element_cases("Sqrt", 0); }, {}},
      {"Sub", [] { return broadcast_cases("Sub"); }, {}},
      {"Swish", swish_cases, {0}},
      {"Tanh", tanh_cases, {0}},
      {"TopK", top_k_cases, {0}},
      {"Transpose", transpose_cases, {}},
      {"Where", where_cases, {}},
  };
}

}  // namespace

std::span<const Row> rows() {
  static const std::vector<Row> kRows = [] {
    std::vector<Row> all = core_rows();
    for (const auto family : {array_op_rows, code_rows, element_rows, product_rows, window_rows})
      std::ranges::copy(family(), std::back_inserter(all));
    return all;
  }();
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
