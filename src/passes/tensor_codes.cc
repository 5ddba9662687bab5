#include "passes/tensor_codes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "passes/constants.h"

namespace lathe {
namespace {

constexpr std::array<std::string_view, 4> kProducts = {"Conv", "Gemm", "Linear", "MatMul"};

bool is_real(const Graph& graph, ValueId id) {
  const auto& type = graph.value(id).type;
  return type.dtype == Dtype::f32 && type.container == Container::tensor;
}

/// Whether 256 steps are exact enough to be told apart, and none is lost.
bool is_normal(float step) {
  return step >= std::numeric_limits<float>::min() && step <= std::numeric_limits<float>::max() / 256;
}

}  // namespace

std::int32_t constant_code(const Value& constant, std::size_t i) {
  const auto byte = static_cast<std::uint8_t>(constant.data.data[i]);
  const auto dtype = constant.type.dtype;
  return dtype == Dtype::u8 || dtype == Dtype::u4 || dtype == Dtype::u2 ? byte
                                                                        : static_cast<std::int8_t>(byte);
}

std::optional<CodeScale> code_scale(const Graph& graph, const Node& node) {
  const bool quantizes = node.op->name == "QuantizeLinear";
  if (!quantizes && node.op->name != "DequantizeLinear") return std::nullopt;
  const ValueId real = quantizes ? node.inputs[0] : node.outputs[0];
  const ValueId codes = quantizes ? node.outputs[0] : node.inputs[0];
  CodeScale result;
  result.dtype = graph.value(codes).type.dtype;
  if (!is_real(graph, real) || (result.dtype != Dtype::i8 && result.dtype != Dtype::u8)) return std::nullopt;
  if (node.integer("block_size") != 0) return std::nullopt;
  if (quantizes && node.integer("precision") >= 0 &&
      node.integer("precision") != static_cast<std::int64_t>(Dtype::f32))
    return std::nullopt;
  result.scale = node.inputs[1];
  const auto step = scalar_constant(graph, result.scale);
  if (!step || !is_normal(static_cast<float>(*step))) return std::nullopt;
  result.step = static_cast<float>(*step);
  if (node.inputs.size() < 3 || graph.value(node.inputs[2]).type.dtype == Dtype::none) return result;
  result.zero = node.inputs[2];
  const auto& zero = graph.value(result.zero);
  if (zero.kind != ValueKind::constant || zero.data.data == nullptr || element_count(zero.data.shape) != 1)
    return std::nullopt;
  result.zero_code = constant_code(zero, 0);
  return result;
}

ValueId zero_of(Graph& graph, const CodeScale& scale) {
  static constexpr std::byte kZero{};
  if (scale.zero != kNoValue) return scale.zero;
  return graph.add_constant("zero", {&kZero, scale.dtype, {}}, nullptr);
}

std::optional<CodeScale> dequantized(const Graph& graph, const Uses& uses, ValueId id, ValueId& codes) {
  const auto found = uses.producer(id);
  if (found < 0) return std::nullopt;
  const Node& node = graph.nodes[static_cast<std::size_t>(found)];
  if (node.op->name != "DequantizeLinear") return std::nullopt;
  codes = node.inputs[0];
  return code_scale(graph, node);
}

bool is_convolution(const Node& node) { return node.op->name == "Conv" || node.op->name == "ConvInteger"; }

bool is_product(const Node& node) { return std::ranges::find(kProducts, node.op->name) != kProducts.end(); }

bool comes_from_codes(const Graph& graph, const Uses& uses, ValueId id) {
  for (;;) {
    const auto producer = uses.producer(id);
    if (producer < 0) return false;
    const Node& node = graph.nodes[static_cast<std::size_t>(producer)];
    if (node.op->name == "DequantizeLinear") return true;
    const bool keeps = node.op->fusion == FusionKind::shuffle || node.op->name == "MaxPool" ||
                       node.op->name == "Relu" || node.op->name == "Identity";
    if (!keeps || node.inputs.empty()) return false;
    id = node.inputs[0];
  }
}

}  // namespace lathe
