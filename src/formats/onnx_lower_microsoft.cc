// The ops of com.microsoft that exports of language models use, as nodes of ONNX's own kind.
#include "formats/onnx_lower_microsoft.h"

namespace lathe::onnx {
namespace {

using Values = std::vector<ValueId>;

constexpr double kSkipEpsilon = 1e-12;

Values simplified_normalization(NodeImport& node) {
  if (node.wanted_outputs() > 1) node.unsupported("its inverse deviation is not computed");
  return {node.add("RMSNormalizationAny", {node.inputs().at(0), node.inputs().at(1)},
                   {{"axis", node.integer("axis", -1)}, {"epsilon", node.real("epsilon", 1e-5)}})};
}

/// Of x + skip + bias; the sum is output 3.
Values skip_normalization(NodeImport& node) {
  if (node.wants(1) || node.wants(2)) node.unsupported("mean and inverse deviation are not computed");
  ValueId sum = node.add("AddAny", {node.inputs().at(0), node.inputs().at(1)});
  if (node.has(3)) sum = node.add("AddAny", {sum, node.inputs()[3]});
  const ValueId normed =
      node.add("RMSNormalizationAny", {sum, node.inputs().at(2)},
               {{"axis", std::int64_t{-1}}, {"epsilon", node.real("epsilon", kSkipEpsilon)}});
  return {normed, node.absent(), node.absent(), sum};
}

/// Positions are in front of the caches here, and one number of them counts on from there: not known.
Values rotary_embedding(NodeImport& node) {
  if (node.real("scale", 1) != 1 || node.integer("is_packed_batching", 0) != 0)
    node.unsupported("scale and is_packed_batching are not computed");
  const auto& in = node.inputs();
  const ValueType& positions = node.type(1);
  const ValueType& cosines = node.type(2);
  if (!positions.ranked || positions.dims.size() != 2)
    node.unsupported("position_ids must be of two dimensions");
  if (!node.type(0).ranked || cosines.dims.size() != 2 || cosines.dims[1].is_symbolic())
    node.unsupported("the shapes of its inputs are not known");
  std::int64_t heads = node.integer("num_heads", 0);
  const auto& dims = node.type(0).dims;
  if (dims.size() == 3 && heads == 0) {
    if (dims[2].is_symbolic() || cosines.dims[1].value < 1) node.unsupported("its heads are not known");
    heads = dims[2].value / (2 * cosines.dims[1].value);
  }
  return {node.add("RotaryEmbeddingAny", {in[0], in[2], in.at(3), in[1]},
                   {{"interleaved", node.integer("interleaved", 0)},
                    {"num_heads", dims.size() == 4 ? std::int64_t{0} : heads},
                    {"rotary_embedding_dim", node.integer("rotary_embedding_dim", 0)}})};
}

Values layer_normalized(NodeImport& node, ValueId sum) {
  Values inputs = {sum, node.inputs().at(2)};
  if (node.has(3)) inputs.push_back(node.inputs()[3]);
  const ValueId normed =
      node.add("LayerNormalizationAny", inputs,
               {{"axis", std::int64_t{-1}}, {"epsilon", node.real("epsilon", kSkipEpsilon)}});
  return {normed, node.absent(), node.absent(), sum};
}

/// Of x + skip + bias, with gamma and beta; the sum is output 3.
Values skip_layer_normalization(NodeImport& node) {
  if (node.wants(1) || node.wants(2)) node.unsupported("mean and inverse deviation are not computed");
  ValueId sum = node.add("AddAny", {node.inputs().at(0), node.inputs().at(1)});
  if (node.has(4)) sum = node.add("AddAny", {sum, node.inputs()[4]});
  return layer_normalized(node, sum);
}

ValueId with_bias(NodeImport& node) {
  return node.has(1) ? node.add("AddAny", {node.inputs()[0], node.inputs()[1]}) : node.inputs().at(0);
}

Values bias_gelu(NodeImport& node) { return {node.add("GeluAny", {with_bias(node)})}; }

Values fast_gelu(NodeImport& node) {
  return {node.add("GeluAny", {with_bias(node)}, {{"approximate", std::string("tanh")}})};
}

Values quick_gelu(NodeImport& node) {
  return {node.add("SwishAny", {node.inputs().at(0)}, {{"alpha", node.real("alpha", 1.702)}})};
}

}  // namespace

std::span<const Lowering> microsoft_lowerings() {
  static const Lowering kLowerings[] = {
      {"", "SimplifiedLayerNormalization", simplified_normalization},
      {"com.microsoft", "BiasGelu", bias_gelu},
      {"com.microsoft", "DynamicQuantizeLSTM", lower_dynamic_quantize_lstm},
      {"com.microsoft", "FastGelu", fast_gelu},
      {"com.microsoft", "GatherBlockQuantized", lower_gather_codes},
      {"com.microsoft", "Gelu", bias_gelu},
      {"com.microsoft", "GroupQueryAttention", lower_grouped_attention},
      {"com.microsoft", "MatMulNBits", lower_product_by_codes},
      {"com.microsoft", "MultiHeadAttention", lower_multi_head_attention},
      {"com.microsoft", "QMoE", lower_quantized_experts},
      {"com.microsoft", "QuickGelu", quick_gelu},
      {"com.microsoft", "RotaryEmbedding", rotary_embedding},
      {"com.microsoft", "SimplifiedLayerNormalization", simplified_normalization},
      {"com.microsoft", "SkipLayerNormalization", skip_layer_normalization},
      {"com.microsoft", "SkipSimplifiedLayerNormalization", skip_normalization},
  };
  return kLowerings;
}

}  // namespace lathe::onnx
