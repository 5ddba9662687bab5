#include "passes/dependent_graph.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace lathe {
namespace {

using Flags = std::vector<bool>;

std::size_t index(ValueId id) { return static_cast<std::size_t>(id); }

bool is_view(const Node& node) { return node.op->pure && node.op->aliases_input >= 0; }

}  // namespace

Graph dependent_graph(const Graph& graph, std::size_t position,
                      const std::function<bool(const Value& value)>& is_given) {
  Flags depends(graph.values.size(), false);
  Flags kept(graph.nodes.size(), false);
  for (std::size_t i = position; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    kept[i] =
        i == position || std::ranges::any_of(node.inputs, [&](ValueId id) { return depends[index(id)]; });
    for (const auto output : node.outputs) depends[index(output)] = kept[i];
  }
  // From the last node to the first: who makes what the kept ones read.
  Flags read(graph.values.size(), false);
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    const auto is_asked_for = [&](ValueId id) {
      return read[index(id)] && (is_view(node) || !is_given(graph.value(id)));
    };
    kept[i] = kept[i] || std::ranges::any_of(node.outputs, is_asked_for);
    if (!kept[i]) continue;
    for (const auto input : node.inputs) read[index(input)] = true;
  }
  Graph part = graph;
  part.nodes.clear();
  Flags made(graph.values.size(), false);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!kept[i]) continue;
    part.nodes.push_back(graph.nodes[i]);
    for (const auto output : graph.nodes[i].outputs) made[index(output)] = true;
  }
  for (std::size_t i = 0; i < part.values.size(); ++i) {
    Value& value = part.values[i];
    if (value.kind == ValueKind::computed && read[i] && !made[i]) value.kind = ValueKind::input;
    if (value.kind == ValueKind::input && !read[i]) value.kind = ValueKind::computed;  // nothing needs it
  }
  part.outputs.clear();
  part.output_names.clear();
  for (std::size_t i = 0; i < graph.outputs.size(); ++i)
    if (depends[index(graph.outputs[i])]) {
      part.outputs.push_back(graph.outputs[i]);
      part.output_names.push_back(graph.output_names[i]);
    }
  return part;
}

}  // namespace lathe
