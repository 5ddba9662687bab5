#include "formats/onnx_lower_recurrence.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "graph/text_lists.h"

namespace lathe::onnx {
namespace {

constexpr double kUnused = std::numeric_limits<double>::infinity();
constexpr double kNoDefault = std::numeric_limits<double>::quiet_NaN();

struct FunctionRow {
  std::string_view name;
  double alpha;  // where it is not given
  double beta;
};

/// In the order of kRecurrenceFunctions (cpu/portable/recurrence_function.h).
constexpr std::array kFunctions = {
    FunctionRow{"relu", kUnused, kUnused},
    FunctionRow{"tanh", kUnused, kUnused},
    FunctionRow{"sigmoid", kUnused, kUnused},
    FunctionRow{"affine", kNoDefault, kNoDefault},
    FunctionRow{"leakyrelu", 0.01, kUnused},
    FunctionRow{"thresholdedrelu", 1, kUnused},
    FunctionRow{"scaledtanh", kNoDefault, kNoDefault},
    FunctionRow{"hardsigmoid", 0.2, 0.5},
    FunctionRow{"elu", 1, kUnused},
    FunctionRow{"softsign", kUnused, kUnused},
    FunctionRow{"softplus", kUnused, kUnused},
};

std::size_t function_named(const NodeImport& node, std::string name) {
  std::ranges::transform(name, name.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  });
  const auto found = std::ranges::find(kFunctions, name, &FunctionRow::name);
  if (found == kFunctions.end()) node.unsupported("its activation " + printable(name) + " is not known");
  return static_cast<std::size_t>(found - kFunctions.begin());
}

/// The functions, those of the second direction behind those of the first.
std::vector<std::size_t> functions_of(const NodeImport& node, std::string_view op, bool two_directions) {
  std::vector<std::size_t> functions;
  if (const Attribute* given = node.node().find("activations")) {
    for (const auto& name : given->texts) functions.push_back(function_named(node, name));
    return functions;
  }
  for (int direction = 0; direction < (two_directions ? 2 : 1); ++direction) {
    if (op != "RNN") functions.push_back(function_named(node, "sigmoid"));
    functions.push_back(function_named(node, "tanh"));
    if (op == "LSTM") functions.push_back(function_named(node, "tanh"));
  }
  return functions;
}

/// One parameter of each function: given ones go in order to the functions that have it.
std::string parameters(const NodeImport& node, std::string_view attribute,
                       const std::vector<std::size_t>& functions, double FunctionRow::*parameter) {
  const auto given = node.reals(attribute);
  const auto takes = [&](std::size_t function) { return kFunctions[function].*parameter != kUnused; };
  const auto takers = static_cast<std::size_t>(std::ranges::count_if(functions, takes));
  if (given.size() > takers)
    node.unsupported("its " + std::string(attribute) + " has more numbers than functions take");
  std::string text;
  std::size_t next = 0;
  for (const auto function : functions) {
    double value = takes(function) ? kFunctions[function].*parameter : 0.0;
    if (takes(function) && next < given.size()) value = static_cast<double>(given[next++]);
    if (std::isnan(value)) node.unsupported("its " + std::string(attribute) + " lacks a number");
    text += (text.empty() ? "" : ",") + std::to_string(value);
  }
  return text;
}

}  // namespace

std::vector<ValueId> add_recurrence(NodeImport& node, std::string_view op, std::vector<ValueId> inputs) {
  constexpr std::array<std::string_view, 10> kKnown = {
      "activation_alpha", "activation_beta",     "activations",     "clip",  "direction", "hidden_size",
      "input_forget",     "linear_before_reset", "output_sequence", "layout"};
  for (const auto& attribute : node.node().attributes)
    if (std::ranges::find(kKnown, attribute.name) == kKnown.end())
      node.unsupported("its attribute " + printable(attribute.name) + " is not known");
  const std::string direction = node.text("direction", "forward");
  const auto functions = functions_of(node, op, direction == "bidirectional");
  const std::vector<std::int64_t> codes(functions.begin(), functions.end());
  return node.add_node(
      op, std::move(inputs),
      {{"activation_alpha", parameters(node, "activation_alpha", functions, &FunctionRow::alpha)},
       {"activation_beta", parameters(node, "activation_beta", functions, &FunctionRow::beta)},
       {"activations", integers_text(codes)},
       {"clip", node.real("clip", 0)},
       {"direction", direction},
       {"input_forget", node.integer("input_forget", 0)},
       {"layout", node.integer("layout", 0)},
       {"linear_before_reset", node.integer("linear_before_reset", 0)},
       {"outputs", static_cast<std::int64_t>(std::max<std::size_t>(node.wanted_outputs(), 1))}});
}

std::vector<ValueId> lower_recurrence(NodeImport& node) {
  return add_recurrence(node, node.node().op_type, node.inputs());
}

}  // namespace lathe::onnx
