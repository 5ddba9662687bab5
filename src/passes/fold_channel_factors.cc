// Conv(x, W, b) * factors + offsets of its channels  ->  Conv(x, W * factors, b * factors + offsets)
// BatchNormalization(x) * factors + offsets          ->  BatchNormalization(x) of another scale and bias
//
// Factors and offsets are any chain of BatchNormalization, Mul and Add with constants that hold one number,
// or one for each channel (axis 1). New constants are computed in double. Within 1e-6 of the sums of
// magnitudes.
#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "passes/constants.h"
#include "passes/pass.h"
#include "passes/rewrite.h"
#include "passes/uses.h"

namespace lathe {
namespace {

/// x * factor + offset, by channels.
struct Affine {
  ValueId x;
  std::vector<double> factors;
  std::vector<double> offsets;
};

std::vector<double> elements(const Value& value) {
  std::vector<double> result(static_cast<std::size_t>(element_count(value.data.shape)));
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = static_cast<double>(constant_element(value, i));
  return result;
}

/// The constant as one number for each channel of values of `rank` dimensions; empty where it is not that.
std::vector<double> by_channel(const Value& value, std::size_t rank, std::size_t channels) {
  if (!is_known_f32(value)) return {};
  const Shape& shape = value.data.shape;
  if (shape.size() > rank) return {};
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool is_channel = rank - shape.size() + i == 1;
    if (shape[i] != 1 && !(is_channel && shape[i] == static_cast<std::int64_t>(channels))) return {};
  }
  auto result = elements(value);
  if (result.size() == 1) result.assign(channels, result[0]);
  return result;
}

/// What a BatchNormalization's constants make of x.
std::optional<Affine> normalization(const Graph& graph, const Node& node) {
  std::vector<std::vector<double>> numbers;
  for (std::size_t i = 1; i < 5; ++i) {
    if (!is_known_f32(graph.value(node.inputs[i]))) return std::nullopt;
    numbers.push_back(elements(graph.value(node.inputs[i])));
  }
  Affine affine{node.inputs[0], {}, {}};
  for (std::size_t c = 0; c < numbers[0].size(); ++c) {
    affine.factors.push_back(numbers[0][c] / std::sqrt(numbers[3][c] + node.real("epsilon")));
    affine.offsets.push_back(numbers[1][c] - numbers[2][c] * affine.factors.back());
  }
  return affine;
}

/// The node as a factor and an offset for each channel, where it is no more than that.
std::optional<Affine> affine_of(const Graph& graph, const Node& node) {
  const auto& name = node.op->name;
  if (name != "BatchNormalization" && name != "Mul" && name != "Add") return std::nullopt;
  const auto& type = graph.value(node.outputs[0]).type;
  if (type.dtype != Dtype::f32 || !type.ranked || type.dims.size() < 3 || type.dims[1].is_symbolic())
    return std::nullopt;
  if (name == "BatchNormalization") return normalization(graph, node);
  for (const std::size_t constant : {1u, 0u}) {
    const ValueId x = node.inputs[1 - constant];
    const auto channels = static_cast<std::size_t>(type.dims[1].value);
    auto numbers = by_channel(graph.value(node.inputs[constant]), type.dims.size(), channels);
    if (numbers.size() != channels || channels == 0 || !(graph.value(x).type == type)) continue;
    if (name == "Mul") return Affine{x, std::move(numbers), std::vector<double>(channels, 0.0)};
    return Affine{x, std::vector<double>(channels, 1.0), std::move(numbers)};
  }
  return std::nullopt;
}

/// `inner` first, then `outer`.
Affine composed(const Affine& outer, const Affine& inner) {
  Affine result = inner;
  for (std::size_t c = 0; c < result.factors.size(); ++c) {
    result.factors[c] = inner.factors[c] * outer.factors[c];
    result.offsets[c] = inner.offsets[c] * outer.factors[c] + outer.offsets[c];
  }
  return result;
}

std::vector<float> rounded(const std::vector<double>& numbers) {
  std::vector<float> floats(numbers.size());
  std::ranges::transform(numbers, floats.begin(), [](double number) { return static_cast<float>(number); });
  return floats;
}

bool fold_into_conv(Graph& graph, std::size_t position, const Node& conv, const Affine& affine) {
  const Value weight = graph.value(conv.inputs[1]);
  const bool has_bias = conv.inputs.size() > 2;
  if (!is_known_f32(weight) || weight.data.shape[0] != static_cast<std::int64_t>(affine.factors.size()))
    return false;
  if (has_bias && !is_known_f32(graph.value(conv.inputs[2]))) return false;
  auto factors = elements(weight);
  const std::size_t row = factors.size() / affine.factors.size();
  for (std::size_t i = 0; i < factors.size(); ++i) factors[i] *= affine.factors[i / row];
  auto bias = affine.offsets;
  if (has_bias) {
    const auto old = elements(graph.value(conv.inputs[2]));
    for (std::size_t c = 0; c < bias.size(); ++c) bias[c] += old[c] * affine.factors[c];
  }
  const ValueId scaled = add_numbers(graph, weight.name + ".scaled", rounded(factors), weight.data.shape);
  const ValueId shifted = add_numbers(graph, weight.name + ".bias", rounded(bias));
  return replace_node(graph, position, {"Conv", {conv.inputs[0], scaled, shifted}, conv.attributes});
}

bool fold_into_normalization(Graph& graph, std::size_t position, const Node& first, const Affine& affine) {
  const auto means = elements(graph.value(first.inputs[3]));
  const auto variances = elements(graph.value(first.inputs[4]));
  auto scale = affine.factors;
  auto bias = affine.offsets;
  for (std::size_t c = 0; c < scale.size(); ++c) {
    bias[c] += means[c] * scale[c];
    scale[c] *= std::sqrt(variances[c] + first.real("epsilon"));
  }
  const std::string name = graph.value(first.inputs[1]).name;
  const ValueId scaled = add_numbers(graph, name + ".scaled", rounded(scale));
  const ValueId shifted = add_numbers(graph, name + ".bias", rounded(bias));
  return replace_node(graph, position,
                      {"BatchNormalization",
                       {first.inputs[0], scaled, shifted, first.inputs[3], first.inputs[4]},
                       first.attributes});
}

/// Folds the chain that ends with the node at `position`.
bool fold_chain(Graph& graph, const Uses& uses, std::size_t position) {
  auto affine = affine_of(graph, graph.nodes[position]);
  if (!affine) return false;
  const auto reader = uses.only_reader(graph.nodes[position].outputs[0]);
  if (reader >= 0 && affine_of(graph, graph.nodes[static_cast<std::size_t>(reader)])) return false;
  std::size_t first = position;
  for (;;) {
    const auto producer = uses.producer(affine->x);
    if (producer < 0 || uses.only_reader(affine->x) != static_cast<std::ptrdiff_t>(first)) break;
    const Node before = graph.nodes[static_cast<std::size_t>(producer)];
    if (before.op->name == "Conv") return fold_into_conv(graph, position, before, *affine);
    const auto inner = affine_of(graph, before);
    if (!inner) break;
    affine = composed(*affine, *inner);
    first = static_cast<std::size_t>(producer);
  }
  const Node start = graph.nodes[first];
  if (first == position || start.op->name != "BatchNormalization") return false;
  return fold_into_normalization(graph, position, start, *affine);
}

}  // namespace

bool fold_channel_factors(Graph& graph, const PassContext&) {
  bool changed = false;
  const Uses uses(graph);
  for (std::size_t position = 0; position < graph.nodes.size(); ++position)
    changed = fold_chain(graph, uses, position) || changed;
  if (changed) remove_unused_nodes(graph);
  return changed;
}

}  // namespace lathe
