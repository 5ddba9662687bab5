// DynamicQuantizeLSTM: an LSTM whose weights are codes, by the numbers that these mean, in float32.
#include "formats/onnx_lower_microsoft.h"
#include "formats/onnx_lower_recurrence.h"

namespace lathe::onnx {
namespace {

enum Input : std::size_t { kW = 1, kR = 2, kPeepholes = 7, kWScale = 8, kWZero, kRScale, kRZero };

/// Factors of a direction, or of each row of it, beside codes of [directions, columns, rows].
ValueId beside(NodeImport& node, std::size_t input, ValueId value) {
  const ValueType& type = node.type(input);
  if (!type.ranked || type.dims.empty() || type.dims.size() > 2)
    node.refuse("its scales and zero points must have 1 or 2 dimensions");
  return reshaped(node, value, {0, 1, type.dims.size() == 1 ? 1 : -1});
}

/// [directions, rows, columns], as LSTM has them.
ValueId numbers(NodeImport& node, std::size_t codes, std::size_t scale, std::size_t zero) {
  const Dtype dtype = node.type(codes).dtype;
  if (dtype != Dtype::i8 && dtype != Dtype::u8) node.refuse("its weights must be i8 or u8");
  ValueId values = cast(node, node.inputs()[codes], Dtype::f32);
  if (node.has(zero))
    values = node.add("SubAny", {values, beside(node, zero, cast(node, node.inputs()[zero], Dtype::f32))});
  values = node.add("MulAny", {values, beside(node, scale, node.inputs()[scale])});
  return node.add("TransposeAny", {values}, {{"perm", std::string("0, 2, 1")}});
}

}  // namespace

std::vector<ValueId> lower_dynamic_quantize_lstm(NodeImport& node) {
  for (const std::size_t input : {kW, kR, kWScale, kRScale})
    if (!node.has(input)) node.refuse("has no input " + std::to_string(input));
  std::vector<ValueId> inputs(node.inputs().begin(), node.inputs().begin() + kPeepholes + 1);
  inputs[kW] = numbers(node, kW, kWScale, kWZero);
  inputs[kR] = numbers(node, kR, kRScale, kRZero);
  return add_recurrence(node, "LSTM", std::move(inputs));
}

}  // namespace lathe::onnx
