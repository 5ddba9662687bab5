// The ops of com.microsoft that quantized networks in QOperator format are made of, as the op in float32
// between DequantizeLinear and QuantizeLinear, of which passes make ops on codes again.
#include <array>

#include "base/error.h"
#include "formats/onnx_lower_microsoft.h"
#include "graph/text_lists.h"

namespace lathe::onnx {
namespace {

using Values = std::vector<ValueId>;

/// Input `x` as numbers, its scale and its zero point in the two inputs behind it.
ValueId numbers_of(NodeImport& node, std::size_t x, std::int64_t axis = 1) {
  Values inputs = {node.inputs().at(x), node.inputs().at(x + 1)};
  if (node.has(x + 2)) inputs.push_back(node.inputs()[x + 2]);
  return node.add("DequantizeLinear", inputs, {{"axis", axis}});
}

/// Codes of the type of input `as`, with the scale that is an input, and the zero point behind it.
Values codes_of(NodeImport& node, ValueId numbers, std::size_t scale, std::size_t as = 0) {
  Values inputs = {numbers, node.inputs().at(scale)};
  if (node.has(scale + 1)) inputs.push_back(node.inputs()[scale + 1]);
  return {
      node.add("QuantizeLinear", inputs, {{"output_dtype", static_cast<std::int64_t>(node.type(as).dtype)}})};
}

/// The row of this name where it takes the inputs, else the one for any.
ValueId add_narrow(NodeImport& node, const std::string& op, const Values& inputs,
                   const Attributes& attributes = {}) {
  const std::size_t values = node.graph().values.size();
  try {
    return node.add(op, inputs, attributes);
  } catch (const Error&) {
    if (node.graph().values.size() != values) throw;
    return node.add(op + "Any", inputs, attributes);
  }
}

template <const char* op>
Values pair(NodeImport& node) {
  return codes_of(node, add_narrow(node, op, {numbers_of(node, 0), numbers_of(node, 3)}), 6);
}

constexpr char kAdd[] = "Add";
constexpr char kMul[] = "Mul";

Values sigmoid(NodeImport& node) {
  return codes_of(node, add_narrow(node, "Sigmoid", {numbers_of(node, 0)}), 3);
}

Values leaky_relu(NodeImport& node) {
  return codes_of(node, node.add("LeakyRelu", {numbers_of(node, 0)}, {{"alpha", node.real("alpha", 0.01)}}),
                  3);
}

/// Before opset 13 of the op that it stands for, Softmax is over all axes from `axis` on.
Values softmax(NodeImport& node) {
  const bool flattens = node.integer("opset", 13) < 13;
  return codes_of(node,
                  node.add("SoftmaxAny", {numbers_of(node, 0)},
                           {{"axis", node.integer("axis", flattens ? 1 : -1)},
                            {"flatten", std::int64_t{flattens ? 1 : 0}}}),
                  3);
}

void refuse_channels_last(NodeImport& node) {
  if (node.integer("channels_last", 0) != 0) node.unsupported("channels_last is not computed");
}

Values average_pool(NodeImport& node) {
  refuse_channels_last(node);
  Attributes attributes = {{"auto_pad", node.text("auto_pad", "NOTSET")},
                           {"ceil_mode", node.integer("ceil_mode", 0)},
                           {"count_include_pad", node.integer("count_include_pad", 0)}};
  for (const auto* list : {"kernel_shape", "pads", "strides"})
    attributes[list] = integers_text(node.integers(list));
  return codes_of(node, node.add("AveragePool", {numbers_of(node, 0)}, attributes), 3);
}

Values global_average_pool(NodeImport& node) {
  refuse_channels_last(node);
  return codes_of(node, node.add("GlobalAveragePool", {numbers_of(node, 0)}), 3);
}

/// Scale and zero point of the output, then each input with its own.
Values concat(NodeImport& node) {
  constexpr std::size_t kFirst = 2, kEach = 3;
  const std::size_t count = node.inputs().size();
  if (count < kFirst + kEach || (count - kFirst) % kEach != 0)
    node.refuse("each input must have a scale and a zero point");
  Values parts;
  for (std::size_t i = kFirst; i < count; i += kEach) parts.push_back(numbers_of(node, i));
  return codes_of(node, node.add("Concat", parts, {{"axis", node.integer("axis", 0)}}), 0, kFirst);
}

/// A product of matrices, with biases in i32 in steps of both scales; codes, or float32 where it has no
/// scale.
Values product(NodeImport& node) {
  constexpr std::size_t kB = 3, kBias = 6, kScale = 7;
  const std::int64_t transposed = node.integer("transB", 0);
  const double alpha = node.real("alpha", 1);
  Values inputs = {numbers_of(node, 0), numbers_of(node, kB, transposed != 0 ? 0 : 1)};
  if (node.has(kBias)) {
    const ValueId steps = add_narrow(node, "Mul", {node.inputs()[1], node.inputs()[kB + 1]});
    inputs.push_back(
        node.add("DequantizeLinear", {node.inputs()[kBias], steps}, {{"axis", std::int64_t{-1}}}));
  }
  const ValueId numbers = node.add(
      "Gemm", inputs,
      {{"alpha", alpha}, {"beta", alpha}, {"transA", node.integer("transA", 0)}, {"transB", transposed}});
  if (!node.has(kScale)) return {numbers};
  return codes_of(node, numbers, kScale);
}

Values choice(NodeImport& node) {
  return codes_of(
      node, add_narrow(node, "Where", {node.inputs().at(0), numbers_of(node, 1), numbers_of(node, 4)}), 7, 1);
}

Values quantized(NodeImport& node) { return node.add_as_given("QuantizeLinear"); }
Values dequantized(NodeImport& node) { return node.add_as_given("DequantizeLinear"); }

}  // namespace

std::span<const Lowering> quantized_lowerings() {
  static const Lowering kLowerings[] = {
      {"com.microsoft", "DequantizeLinear", dequantized},
      {"com.microsoft", "QGemm", product},
      {"com.microsoft", "QLinearAdd", pair<kAdd>},
      {"com.microsoft", "QLinearAveragePool", average_pool},
      {"com.microsoft", "QLinearConcat", concat},
      {"com.microsoft", "QLinearGlobalAveragePool", global_average_pool},
      {"com.microsoft", "QLinearLeakyRelu", leaky_relu},
      {"com.microsoft", "QLinearMul", pair<kMul>},
      {"com.microsoft", "QLinearSigmoid", sigmoid},
      {"com.microsoft", "QLinearSoftmax", softmax},
      {"com.microsoft", "QLinearWhere", choice},
      {"com.microsoft", "QuantizeLinear", quantized},
  };
  return kLowerings;
}

}  // namespace lathe::onnx
