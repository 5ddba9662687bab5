// Products, reductions, norms, quantization, attention and recurrence. Attributes stand in the order in which
// kernels get them.
#include "graph/einsum_equation.h"
#include "graph/op_rows.h"
#include "graph/shape_rules_product.h"

namespace lathe::op_rows {
namespace {

constexpr double kNoIndex = -0x1p63;  // no class: nothing is ignored
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

void add_recurrences(std::vector<Op>& rows) {
  // activations are numbers (formats/onnx_lower_recurrence.cc), with a parameter of each kind for each
  const std::vector<AttributeSpec> attributes = {
      {"activation_alpha", kText, 0}, {"activation_beta", kText, 0},
      {"activations", kText, 0},      {"clip", kReal, 0},
      {"direction", kText, 0},        {"input_forget", kInteger, 0},
      {"layout", kInteger, 0},        {"linear_before_reset", kInteger, 0},
      {"outputs", kInteger, 1}};
  constexpr std::pair<std::string_view, int> kInputs[] = {{"GRU", 6}, {"LSTM", 8}, {"RNN", 6}};
  for (const auto& [name, inputs] : kInputs)
    rows.push_back(
        value_row(name, 3, inputs, kAnyOutputs, attributes, FusionKind::opaque, shape_rules::recurrence));
}

void add_quantization(std::vector<Op>& rows) {
  namespace rules = shape_rules;
  constexpr auto kOpaque = FusionKind::opaque;
  // types are dtypes of ours; -1: by the inputs
  rows.push_back(
      value_row("DequantizeLinear", 2, 3, 1,
                {{"axis", kInteger, 1}, {"block_size", kInteger, 0}, {"output_dtype", kInteger, -1}}, kOpaque,
                rules::dequantize_linear));
  rows.push_back(value_row("DynamicQuantizeLinear", 1, 1, 3, {}, kOpaque, rules::dynamic_quantize_linear));
  rows.push_back(value_row("MatMulInteger", 2, 4, 1, {}, kOpaque, rules::mat_mul_integer));
  rows.push_back(value_row("QLinearMatMul", 8, 8, 1, {}, kOpaque, rules::q_linear_mat_mul));
  rows.push_back(value_row("QuantizeLinear", 2, 3, 1,
                           {{"axis", kInteger, 1},
                            {"block_size", kInteger, 0},
                            {"output_dtype", kInteger, -1},
                            {"precision", kInteger, -1},
                            {"saturate", kInteger, 1}},
                           kOpaque, rules::quantize_linear));
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
      value_row("Det", 1, 1, 1, {}, opaque, rules::det),
      value_row("Einsum", 1, kMaxEinsumOperands, 1, {{"equation", kText, 0}}, opaque, rules::einsum),
      value_row("Gemm", 2, 3, 1,
                {{"alpha", kReal, 1}, {"beta", kReal, 1}, {"transA", kInteger, 0}, {"transB", kInteger, 0}}, opaque,
                rules::gemm),
      value_row("LayerNormalizationAny", 2, 3, kAnyOutputs,
                {{"axis", kInteger, -1}, {"epsilon", kReal, 1e-5}, {"stash_type", kInteger, 1}, {"outputs", kInteger, 1}},
                opaque, rules::layer_normalization_any),
      value_row("LinearAttention", 3, 6, kAnyOutputs,
                {{"chunk_size", kInteger, 64}, {"kv_num_heads", kInteger, 0}, {"q_num_heads", kInteger, 0},
                 {"scale", kReal, 0}, {"update_rule", kText, 0}, {"outputs", kInteger, 1}},
                opaque, rules::linear_attention),
      value_row("LogSoftmaxAny", 1, 1, 1, kSoftmax, opaque, rules::softmax_any),
      value_row("LpNormalizationAny", 1, 1, 1, {{"axis", kInteger, -1}, {"p", kInteger, 2}}, opaque,
                rules::lp_normalization_any),
      value_row("MatMulAny", 2, 2, 1, {}, opaque, rules::mat_mul_any),
      value_row("MeanVarianceNormalization", 1, 1, 1, {{"axes", kText, 0}}, opaque, rules::mean_variance_normalization),
      value_row("NegativeLogLikelihoodLoss", 2, 3, 1, {{"ignore_index", kInteger, kNoIndex}, {"reduction", kText, 0}}, opaque,
                rules::negative_log_likelihood_loss),
      value_row("RMSNormalizationAny", 2, 2, 1, {{"axis", kInteger, -1}, {"epsilon", kReal, 1e-5}, {"stash_type", kInteger, 1}},
                opaque, rules::rms_normalization_any),
      value_row("RotaryEmbeddingAny", 3, 4, 1,
                {{"interleaved", kInteger, 0}, {"num_heads", kInteger, 0}, {"rotary_embedding_dim", kInteger, 0}}, opaque,
                rules::rotary_embedding_any),
      value_row("SoftmaxCrossEntropyLoss", 2, 3, kAnyOutputs,
                {{"ignore_index", kInteger, kNoIndex}, {"reduction", kText, 0}, {"outputs", kInteger, 1}}, opaque,
                rules::softmax_cross_entropy_loss),
      value_row("SoftmaxAny", 1, 1, 1, kSoftmax, opaque, rules::softmax_any),
  };
  // clang-format on
  add_quantization(rows);
  add_recurrences(rows);
  add_reductions(rows);
  return rows;
}

}  // namespace lathe::op_rows
