// Nodes that no output needs and that have no effect go, and then the constants that nothing uses.
// Inputs and states stay: callers bind them by name.
#include <algorithm>

#include "passes/pass.h"

namespace lathe {

bool remove_dead_nodes(Graph& graph, const PassContext&) {
  std::vector<bool> needed(graph.values.size(), false);
  const auto need = [&needed](ValueId id) { needed[static_cast<std::size_t>(id)] = true; };
  std::ranges::for_each(graph.outputs, need);
  std::vector<Node> kept;  // last first
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    const bool live = !node->op->pure || std::ranges::any_of(node->outputs, [&](ValueId id) {
      return needed[static_cast<std::size_t>(id)];
    });
    if (!live) continue;
    std::ranges::for_each(node->inputs, need);
    kept.push_back(std::move(*node));
  }
  const auto removed = graph.nodes.size() - kept.size();
  std::ranges::reverse(kept);
  graph.nodes = std::move(kept);
  return remove_unused_values(graph) + removed != 0;
}

}  // namespace lathe
