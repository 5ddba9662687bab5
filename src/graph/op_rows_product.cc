// Products, reductions, norms, quantization, attention and recurrence. Attributes stand in the order in which
// kernels get them.
#include "graph/op_rows.h"
#include "graph/shape_rules_product.h"

namespace lathe::op_rows {
namespace {

constexpr std::uint32_t kSecond = 2;  // the rule reads the elements of input 1

void add_reductions(std::vector<Op>& rows) {
  const std::vector<AttributeSpec> attributes = {
      {"axes", kText, 0}, {"keepdims", kInteger, 1}, {"noop_with_empty_axes", kInteger, 0}};
  for (const auto* name :
       {"ReduceL1Any", "ReduceL2Any", "ReduceLogSumAny", "ReduceLogSumExpAny", "ReduceMaxAny",
        "ReduceMeanAny", "ReduceMinAny", "ReduceProd", "ReduceSumAny", "ReduceSumSquareAny"})
    rows.push_back(
        value_row(name, 1, 2, 1, attributes, FusionKind::opaque, shape_rules::reduce_any, kSecond));
}

}  // namespace

std::vector<Op> product_rows() {
  using enum FusionKind;
  namespace rules = shape_rules;
  const std::vector<AttributeSpec> kSoftmax = {{"axis", kInteger, -1}, {"flatten", kInteger, 0}};
  // clang-format off
  std::vector<Op> rows = {
      value_row("AttentionAny", 3, 7, kAnyOutputs,
                {{"is_causal", kInteger, 0}, {"kv_num_heads", kInteger, 0}, {"left_window_size", kInteger, -1},
                 {"q_num_heads", kInteger, 0}, {"qk_matmul_output_mode", kInteger, 0},
                 {"right_window_size", kInteger, -1}, {"scale", kReal, -1}, {"softcap", kReal, 0},
                 {"softmax_precision", kInteger, 0}, {"outputs", kInteger, 1}},
                opaque, rules::attention_any),
      value_row("Gemm", 2, 3, 1,
                {{"alpha", kReal, 1}, {"beta", kReal, 1}, {"transA", kInteger, 0}, {"transB", kInteger, 0}}, opaque,
                rules::gemm),
      value_row("LayerNormalizationAny", 2, 3, kAnyOutputs,
                {{"axis", kInteger, -1}, {"epsilon", kReal, 1e-5}, {"stash_type", kInteger, 1}, {"outputs", kInteger, 1}},
                opaque, rules::layer_normalization_any),
      value_row("LogSoftmaxAny", 1, 1, 1, kSoftmax, opaque, rules::softmax_any),
      value_row("LpNormalizationAny", 1, 1, 1, {{"axis", kInteger, -1}, {"p", kInteger, 2}}, opaque,
                rules::lp_normalization_any),
      value_row("MatMulAny", 2, 2, 1, {}, opaque, rules::mat_mul_any),
      value_row("MeanVarianceNormalization", 1, 1, 1, {{"axes", kText, 0}}, opaque, rules::mean_variance_normalization),
      value_row("RMSNormalizationAny", 2, 2, 1, {{"axis", kInteger, -1}, {"epsilon", kReal, 1e-5}, {"stash_type", kInteger, 1}},
                opaque, rules::rms_normalization_any),
      value_row("RotaryEmbeddingAny", 3, 4, 1,
                {{"interleaved", kInteger, 0}, {"num_heads", kInteger, 0}, {"rotary_embedding_dim", kInteger, 0}}, opaque,
                rules::rotary_embedding_any),
      value_row("SoftmaxAny", 1, 1, 1, kSoftmax, opaque, rules::softmax_any),
  };
  // clang-format on
  add_reductions(rows);
  return rows;
}

}  // namespace lathe::op_rows
