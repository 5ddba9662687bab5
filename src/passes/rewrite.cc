#include "passes/rewrite.h"

#include <algorithm>

#include "base/error.h"
#include "graph/infer.h"

namespace lathe {

bool replace_node(Graph& graph, std::size_t position, const Replacement& replacement) {
  Node node = graph.nodes[position];
  node.op = find_op(replacement.op);
  CHECK(node.op != nullptr && node.outputs.size() == 1);
  node.inputs = replacement.inputs;
  std::vector<ValueType> types;
  try {
    node.attributes = complete_attributes(*node.op, replacement.attributes);
    types = infer_types(graph, node);
  } catch (const Error&) {
    return false;
  }
  if (types.size() != 1 || types[0] != graph.value(node.outputs[0]).type) return false;
  graph.nodes[position] = std::move(node);
  return true;
}

bool stand_in(Graph& graph, std::size_t position, ValueId value) {
  const ValueId result = graph.nodes[position].outputs[0];
  if (graph.value(result).type != graph.value(value).type) return false;
  ValueId source = value;  // whose bytes they are
  for (std::size_t i = position; i-- > 0;) {
    const auto& node = graph.nodes[i];
    if (node.op->aliases_input >= 0 && node.outputs[0] == source)
      source = node.inputs[static_cast<std::size_t>(node.op->aliases_input)];
  }
  const auto kind = graph.value(source).kind;
  if (kind == ValueKind::state) return false;
  if (kind != ValueKind::computed && std::ranges::find(graph.outputs, result) != graph.outputs.end())
    return false;
  for (auto& node : graph.nodes) std::ranges::replace(node.inputs, result, value);
  std::ranges::replace(graph.outputs, result, value);
  graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(position));
  return true;
}

ValueId insert_node(Graph& graph, std::size_t position, std::string_view op, std::vector<ValueId> inputs,
                    Attributes attributes) {
  std::string name = graph.nodes[position].name;
  if (!name.empty()) name += "." + std::string(op);
  const auto result = graph.add_node(op, std::move(name), std::move(inputs), std::move(attributes)).at(0);
  std::rotate(graph.nodes.begin() + static_cast<std::ptrdiff_t>(position), graph.nodes.end() - 1,
              graph.nodes.end());
  return result;
}

ValueId absent(Graph& graph) {
  for (std::size_t i = 0; i < graph.values.size(); ++i)
    if (graph.values[i].type.dtype == Dtype::none) return static_cast<ValueId>(i);
  static constexpr std::byte kNothing{};
  return graph.add_constant("absent", {&kNothing, Dtype::none, {0}}, nullptr);
}

void remove_unused_nodes(Graph& graph) {
  std::vector<bool> used(graph.values.size(), false);
  const auto use = [&used](ValueId id) { used[static_cast<std::size_t>(id)] = true; };
  std::ranges::for_each(graph.outputs, use);
  std::vector<Node> kept;  // last first
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    const bool live = !node->op->pure || std::ranges::any_of(node->outputs, [&used](ValueId id) {
      return used[static_cast<std::size_t>(id)];
    });
    if (!live) continue;
    std::ranges::for_each(node->inputs, use);
    kept.push_back(std::move(*node));
  }
  std::ranges::reverse(kept);
  graph.nodes = std::move(kept);
}

namespace {

bool apply_once(Graph& graph, std::span<const Rule> rules) {
  const Uses uses(graph);
  for (std::size_t position = graph.nodes.size(); position-- > 0;)
    for (const auto& rule : rules) {
      const auto match = rule.pattern.match(graph, uses, position);
      if (!match) continue;
      const auto replacement = rule.replacement(graph, *match);
      if (replacement && replace_node(graph, position, *replacement)) return true;
    }
  return false;
}

}  // namespace

bool apply_rules(Graph& graph, std::span<const Rule> rules) {
  bool changed = false;
  while (apply_once(graph, rules)) {
    remove_unused_nodes(graph);
    changed = true;
  }
  return changed;
}

}  // namespace lathe
