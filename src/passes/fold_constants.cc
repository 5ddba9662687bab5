// A pure node whose inputs are all constants becomes constants itself, and so does the shape of a tensor
// whose dimensions are numbers. Views need no evaluator: they are the same bytes. What is too large to be
// worth its memory, has dimensions that only a run knows, or has no kernel here stays a node. Types that
// depend on what has become a constant, or on shapes that are followed through the ops that compute with them
// (graph/size_values.h), are made sharper on the way.
//
// What dequantizes the weight of a product whose data is dequantized too is left for fuse_codes; fold_weights
// computes what that did not take.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "graph/infer.h"
#include "graph/size_values.h"
#include "passes/pass.h"
#include "passes/tensor_codes.h"

namespace lathe {
namespace {

bool is_constant(const Graph& graph, ValueId id) {
  const auto& value = graph.value(id);
  return value.kind == ValueKind::constant && value.data.data != nullptr;
}

/// The shape, where all dimensions are numbers.
std::optional<Shape> fixed_shape(const ValueType& type) {
  Shape shape;
  if (!type.ranked) return std::nullopt;
  for (const auto& dim : type.dims) {
    if (dim.is_symbolic()) return std::nullopt;
    shape.push_back(dim.value);
  }
  return shape;
}

/// The outputs' shapes, where they are known and their bytes stay within the limit.
std::optional<std::vector<Shape>> foldable_shapes(std::span<const ValueType> types, std::uint64_t max_bytes) {
  std::vector<Shape> shapes;
  std::uint64_t total = 0;
  for (const auto& type : types) {
    auto shape = fixed_shape(type);
    if (!shape) return std::nullopt;
    std::uint64_t count = info(type.dtype).block_bytes;
    for (const auto dim : *shape) {
      const auto product = checked_multiply(count, static_cast<std::uint64_t>(dim));
      if (!product) return std::nullopt;
      count = *product;
    }
    const auto sum = checked_add(total, count / info(type.dtype).block_elements);
    if (!sum || *sum > max_bytes) return std::nullopt;
    total = *sum;
    shapes.push_back(std::move(*shape));
  }
  return shapes;
}

std::uint64_t bytes_of(const std::vector<ConstantData>& constants) {
  std::uint64_t sum = 0;
  for (const auto& constant : constants) sum += constant.data.bytes();
  return sum;
}

/// `max_bytes` of outputs that are not views.
std::optional<std::vector<ConstantData>> evaluate(const Graph& graph, const Node& node,
                                                  const PassContext& context, std::uint64_t max_bytes) {
  std::vector<ValueType> types;
  for (const auto id : node.outputs) types.push_back(graph.value(id).type);
  if (node.op->aliases_input >= 0) {
    const auto& source = graph.value(node.inputs[static_cast<std::size_t>(node.op->aliases_input)]);
    auto shape = fixed_shape(types[0]);
    if (!shape) return std::nullopt;
    return std::vector<ConstantData>{
        {{source.data.data, types[0].dtype, std::move(*shape)}, source.data_owner}};
  }
  const auto shapes = foldable_shapes(types, max_bytes);
  if (!shapes || !context.evaluate) return std::nullopt;
  std::vector<TensorView> inputs;
  for (const auto id : node.inputs) {
    const auto& value = graph.value(id);
    inputs.push_back(value.kind == ValueKind::constant
                         ? value.data
                         : TensorView{nullptr, value.type.dtype, *fixed_shape(value.type)});
  }
  auto results = context.evaluate(node, inputs, types);
  if (!results) return std::nullopt;
  CHECK(results->size() == types.size());
  for (std::size_t i = 0; i < types.size(); ++i) {
    const auto& data = (*results)[i].data;
    CHECK(data.data != nullptr && data.dtype == types[i].dtype && data.shape == (*shapes)[i]);
  }
  return results;
}

/// Whether all that the node's result depends on is known.
bool can_evaluate(const Graph& graph, const Node& node) {
  if (!node.op->pure || node.inputs.empty()) return false;
  if (node.op->reads_shape_alone) return fixed_shape(graph.value(node.inputs[0]).type).has_value();
  return std::ranges::all_of(node.inputs, [&](ValueId id) { return is_constant(graph, id); });
}

/// Whole numbers as a constant of this type.
ConstantData constant_of(const ValueType& type, const std::vector<Dim>& numbers) {
  const std::size_t width = info(type.dtype).block_bytes;
  const auto bytes = std::make_shared<std::vector<std::byte>>(numbers.size() * width);
  bytes->reserve(1);                                // no elements have an address too
  for (std::size_t i = 0; i < numbers.size(); ++i)  // little-endian, and the type holds it
    std::memcpy(bytes->data() + i * width, &numbers[i].value, width);
  return {{bytes->data(), type.dtype, *fixed_shape(type)}, bytes};
}

/// Shapes whose elements are numbers, though they are taken from tensors that are not.
std::optional<std::vector<ConstantData>> known_sizes(const Graph& graph, const Node& node,
                                                     const SizeValues& sizes) {
  if (!node.op->pure) return std::nullopt;
  std::vector<ConstantData> results;
  for (const auto id : node.outputs) {
    const Elements elements = sizes.of(graph, id);
    if (!are_numbers(elements)) return std::nullopt;
    results.push_back(constant_of(graph.value(id).type, *elements));
  }
  return results;
}

/// All that is folded may have as many times the bytes of one node's.
constexpr std::uint64_t kFoldedTogether = 8;

using Values = std::vector<bool>;  // by id

bool is_transposition(const Node& node) {
  return node.op->name == "Transpose" || node.op->name == "TransposeAny";
}

/// What is dequantized, and transpositions of it.
Values dequantized(const Graph& graph) {
  Values result(graph.values.size(), false);
  for (const auto& node : graph.nodes)
    if (node.op->name == "DequantizeLinear" ||
        (is_transposition(node) && result[static_cast<std::size_t>(node.inputs[0])]))
      result[static_cast<std::size_t>(node.outputs[0])] = true;
  return result;
}

/// Of these the weights, and what they are transposed from, of products whose data is dequantized too.
Values weights_of_codes(const Graph& graph) {
  const Uses uses(graph);
  const Values all = dequantized(graph);
  Values result(graph.values.size(), false);
  for (const auto& product : graph.nodes) {
    if (!is_product(product) || !comes_from_codes(graph, uses, product.inputs[0])) continue;
    for (ValueId id = product.inputs[1]; all[static_cast<std::size_t>(id)];) {
      result[static_cast<std::size_t>(id)] = true;
      id = graph.nodes[static_cast<std::size_t>(uses.producer(id))].inputs[0];
    }
  }
  return result;
}

/// Folds the nodes whose first outputs are, or are not, among `chosen`.
bool fold(Graph& graph, const PassContext& context, const Values& chosen, bool among) {
  bool changed = false;
  SizeValues sizes(SymbolRanges(DimRange{1, kMaxDim}));  // runs with less are refused
  std::uint64_t left = context.max_folded_bytes * kFoldedTogether;
  for (auto& node : std::exchange(graph.nodes, {})) {
    changed = sizes.follow(graph, node) || changed;
    const bool is_chosen = !node.outputs.empty() && chosen[static_cast<std::size_t>(node.outputs[0])];
    const bool ahead = is_chosen == among && can_evaluate(graph, node);
    auto results =
        ahead ? evaluate(graph, node, context, std::min(left, context.max_folded_bytes)) : std::nullopt;
    if (results && node.op->aliases_input < 0) left -= bytes_of(*results);
    if (!results) results = known_sizes(graph, node, sizes);
    if (!results) {
      graph.nodes.push_back(std::move(node));
      continue;
    }
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      auto& value = graph.value(node.outputs[i]);
      value.kind = ValueKind::constant;
      value.data = std::move((*results)[i].data);
      value.data_owner = std::move((*results)[i].owner);
    }
    changed = true;
  }
  return changed;
}

}  // namespace

bool fold_constants(Graph& graph, const PassContext& context) {
  return fold(graph, context, weights_of_codes(graph), false);
}

bool fold_weights(Graph& graph, const PassContext& context) {
  return fold(graph, context, dequantized(graph), true);
}

}  // namespace lathe
