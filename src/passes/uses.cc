#include "passes/uses.h"

namespace lathe {

Uses::Uses(const Graph& graph)
    : producers_(graph.values.size(), -1),
      readers_(graph.values.size()),
      outputs_(graph.values.size(), false) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const auto id : graph.nodes[i].outputs)
      producers_[static_cast<std::size_t>(id)] = static_cast<std::ptrdiff_t>(i);
    for (const auto id : graph.nodes[i].inputs) readers_[static_cast<std::size_t>(id)].push_back(i);
  }
  for (const auto id : graph.outputs) outputs_[static_cast<std::size_t>(id)] = true;
}

std::ptrdiff_t Uses::only_reader(ValueId id) const {
  const auto& all = readers(id);
  return all.size() == 1 && !is_output(id) ? static_cast<std::ptrdiff_t>(all.front()) : -1;
}

}  // namespace lathe
