#include "passes/program_function.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "graph/fused_program_text.h"
#include "passes/constants.h"

namespace lathe {
namespace {

struct FunctionName {
  std::string_view op;
  FusedFunction function;
};

constexpr std::array kFunctions = {
    FunctionName{"Abs", FusedFunction::abs},   FunctionName{"Erf", FusedFunction::erf},
    FunctionName{"Exp", FusedFunction::exp},   FunctionName{"HardSwish", FusedFunction::hard_swish},
    FunctionName{"Neg", FusedFunction::neg},   FunctionName{"Reciprocal", FusedFunction::reciprocal},
    FunctionName{"Relu", FusedFunction::relu}, FunctionName{"Sigmoid", FusedFunction::sigmoid},
    FunctionName{"Sqrt", FusedFunction::sqrt}, FunctionName{"Swish", FusedFunction::swish},
    FunctionName{"Tanh", FusedFunction::tanh},
};

/// Constants of programs are finite floats: what an attribute or a constant holds, where it is one.
std::optional<float> exact(double number) {
  if (!(std::abs(number) <= static_cast<double>(std::numeric_limits<float>::max()))) return std::nullopt;
  const auto rounded = static_cast<float>(number);
  return static_cast<double>(rounded) == number ? std::optional(rounded) : std::nullopt;
}

/// A bound of Clip: it is rounded there too, and one that is out of range is none.
std::optional<float> bound(double number) {
  constexpr auto kGreatest = static_cast<double>(std::numeric_limits<float>::max());
  if (number != number) return std::nullopt;
  return static_cast<float>(std::clamp(number, -kGreatest, kGreatest));
}

std::optional<ProgramFunction> with(FusedFunction function, std::optional<float> first,
                                    std::optional<float> second = 0.0f) {
  if (!first || !second) return std::nullopt;
  return ProgramFunction{function, {*first, *second}};
}

std::optional<ProgramFunction> clip(const Node& node) {
  const double low = node.real("min");
  const double high = node.real("max");
  // Beyond the greatest number on the other side a bound is not none.
  constexpr auto kGreatest = static_cast<double>(std::numeric_limits<float>::max());
  if (low >= kGreatest || high <= -kGreatest) return std::nullopt;
  return with(FusedFunction::clip, bound(low), bound(high));
}

}  // namespace

std::optional<ProgramFunction> program_function(const Graph& graph, const Node& node) {
  if (node.inputs.empty() || graph.value(node.inputs[0]).type.dtype != Dtype::f32) return std::nullopt;
  const auto op = node.op->name;
  if (op == "Gelu")
    return ProgramFunction{node.integer("approximate") == 0 ? FusedFunction::gelu : FusedFunction::gelu_tanh};
  if (op == "Clip") return clip(node);
  if (op == "LeakyRelu") return with(FusedFunction::leaky_relu, exact(node.real("alpha")));
  if (op == "HardSigmoid")
    return with(FusedFunction::hard_sigmoid, exact(node.real("alpha")), exact(node.real("beta")));
  if (op == "PRelu") {
    const auto slope = scalar_constant(graph, node.inputs[1]);
    if (!slope || graph.value(node.inputs[0]).type != graph.value(node.outputs[0]).type) return std::nullopt;
    return with(FusedFunction::leaky_relu, exact(*slope));
  }
  const auto* row = std::ranges::find(kFunctions, op, &FunctionName::op);
  if (row == kFunctions.end()) return std::nullopt;
  return ProgramFunction{row->function};
}

std::string program_call(FusedFunction function, const std::string& operands, const float constants[2]) {
  std::string text = std::string(fused_function_name(function)) + "(" + operands;
  for (int i = 0; i < fused_function_constants(function); ++i) {
    std::array<char, 32> digits;
    text += ", ";
    text.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), constants[i]).ptr);
  }
  return text + ")";
}

std::string program_call(const ProgramFunction& function, const std::string& operand) {
  return program_call(function.function, operand, function.constants);
}

}  // namespace lathe
