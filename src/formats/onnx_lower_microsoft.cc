// The ops of com.microsoft that exports of language models use, as nodes of ONNX's own kind.
#include <memory>

#include "formats/onnx_lower.h"
#include "formats/onnx_weights.h"
#include "quant/block_format.h"

namespace lathe::onnx {
namespace {

using Values = std::vector<ValueId>;

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
  const ValueId normed = node.add("RMSNormalizationAny", {sum, node.inputs().at(2)},
                                  {{"axis", std::int64_t{-1}}, {"epsilon", node.real("epsilon", 1e-5)}});
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

/// By the numbers that the codes mean, in float32.
Values product_by_codes(NodeImport& node) {
  if (node.type(0).dtype != Dtype::f32) node.unsupported("rows must be f32");
  std::vector<std::unique_ptr<Tensor>> tensors;
  const auto constant = [&](std::size_t index) -> const Tensor* {
    if (!node.has(index)) return nullptr;
    const lathe::Value& value = node.graph().value(node.inputs()[index]);
    if (value.kind != ValueKind::constant) return nullptr;
    auto& tensor = *tensors.emplace_back(std::make_unique<Tensor>());
    tensor.name = value.name;
    tensor.data_type = value.type.dtype == Dtype::f32 ? DataType::float32 : DataType::uint8;
    if (value.type.dtype != Dtype::f32 && value.type.dtype != Dtype::u8) return nullptr;
    tensor.dims = value.data.shape;
    tensor.bytes = {value.data.data, static_cast<std::size_t>(value.data.bytes())};
    return &tensor;
  };
  const OwnedWeights codes = read_codes(code_matrix(node.node(), constant, {}), {}, false);
  const std::int64_t rows = codes.view.shape[0], columns = codes.view.shape[1];
  const auto turned =
      std::make_shared<std::vector<float>>(static_cast<std::size_t>(rows * columns));  // [K, N]
  std::vector<float> row(static_cast<std::size_t>(columns));
  const auto stride = row_bytes(codes.view.dtype, columns);
  for (std::int64_t i = 0; i < rows; ++i) {
    decode_rows(codes.view.dtype, codes.view.data + static_cast<std::uint64_t>(i) * stride, row.data(), 1,
                columns);
    for (std::int64_t j = 0; j < columns; ++j)
      (*turned)[static_cast<std::size_t>(j * rows + i)] = row[static_cast<std::size_t>(j)];
  }
  const TensorView view{reinterpret_cast<const std::byte*>(turned->data()), Dtype::f32, {columns, rows}};
  ValueId product = node.add("MatMulAny", {node.inputs()[0], node.constant(view, turned)});
  if (node.has(5)) product = node.add("AddAny", {product, node.inputs()[5]});
  return {product};
}

}  // namespace

std::span<const Lowering> microsoft_lowerings() {
  static const Lowering kLowerings[] = {
      {"", "SimplifiedLayerNormalization", simplified_normalization},
      {"com.microsoft", "MatMulNBits", product_by_codes},
      {"com.microsoft", "RotaryEmbedding", rotary_embedding},
      {"com.microsoft", "SimplifiedLayerNormalization", simplified_normalization},
      {"com.microsoft", "SkipSimplifiedLayerNormalization", skip_normalization},
  };
  return kLowerings;
}

}  // namespace lathe::onnx
