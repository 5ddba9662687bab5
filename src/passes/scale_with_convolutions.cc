// BatchNormalization(x) that one function alone reads  ->  Conv(x) with one weight for each channel, which
// then
//                                                          takes the function as its epilogue
//
// Within 1e-6 of |x * factor| + |offset|: one multiply-add in place of three operations.
#include <algorithm>
#include <array>
#include <cmath>

#include "passes/constants.h"
#include "passes/pass.h"
#include "passes/rewrite.h"
#include "passes/uses.h"

namespace lathe {
namespace {

/// Ops that FusedConv's epilogue has.
bool is_function(const Node& node) {
  constexpr std::array kFunctions = {"Relu", "Clip", "LeakyRelu",   "Sigmoid",  "Swish",
                                     "Tanh", "Gelu", "HardSigmoid", "HardSwish"};
  return std::ranges::find(kFunctions, node.op->name) != kFunctions.end();
}

bool scale_channels(Graph& graph, const Uses& uses, std::size_t position) {
  const Node node = graph.nodes[position];
  const ValueType x = graph.value(node.inputs[0]).type;
  const auto reader = uses.only_reader(node.outputs[0]);
  if (x.dtype != Dtype::f32 || !x.ranked || x.dims.size() < 3 || x.dims[1].is_symbolic() ||
      x.dims[1] == Dim(0))
    return false;
  if (reader < 0 || !is_function(graph.nodes[static_cast<std::size_t>(reader)])) return false;
  if (!std::ranges::all_of(node.inputs.begin() + 1, node.inputs.end(),
                           [&](ValueId id) { return is_known_f32(graph.value(id)); }))
    return false;
  const auto number = [&](std::size_t input, std::size_t channel) {
    return static_cast<double>(constant_element(graph.value(node.inputs[input]), channel));
  };
  const auto channels = static_cast<std::size_t>(x.dims[1].value);
  std::vector<float> factors(channels);
  std::vector<float> offsets(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double factor = number(1, c) / std::sqrt(number(4, c) + node.real("epsilon"));
    factors[c] = static_cast<float>(factor);
    offsets[c] = static_cast<float>(number(2, c) - number(3, c) * factor);
  }
  Shape shape(x.dims.size(), 1);
  shape[0] = x.dims[1].value;
  const std::string name = graph.value(node.inputs[1]).name;
  const ValueId weight = add_numbers(graph, name + ".factors", std::move(factors), shape);
  const ValueId bias = add_numbers(graph, name + ".offsets", std::move(offsets));
  return replace_node(graph, position,
                      {"Conv", {node.inputs[0], weight, bias}, {{"group", x.dims[1].value}}});
}

}  // namespace

bool scale_with_convolutions(Graph& graph, const PassContext&) {
  bool changed = false;
  const Uses uses(graph);
  for (std::size_t position = 0; position < graph.nodes.size(); ++position)
    changed |=
        graph.nodes[position].op->name == "BatchNormalization" && scale_channels(graph, uses, position);
  return changed;
}

}  // namespace lathe
