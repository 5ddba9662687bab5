// Pure nodes with the same op, inputs and attributes become one, and constants over the same bytes too (a
// model may name one tensor twice). Reading a state twice is the same only while it is not written in
// between; a writer returns a new value, so that equal input ids already mean that.
#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "passes/pass.h"

namespace lathe {
namespace {

using NodeKey = std::tuple<const Op*, std::vector<ValueId>, Attributes>;

/// Equal keys, equal results. a + b is b + a where neither is broadcast.
NodeKey key_of(const Graph& graph, const Node& node) {
  auto inputs = node.inputs;
  if (node.op->commutative && graph.value(inputs[0]).type == graph.value(inputs[1]).type)
    std::sort(inputs.begin(), inputs.begin() + 2);
  return {node.op, std::move(inputs), node.attributes};
}

/// For each value the first that is surely equal to it: itself, or an earlier constant over the same bytes.
std::vector<ValueId> merged_constants(const Graph& graph) {
  std::vector<ValueId> same(graph.values.size());
  std::map<std::tuple<const std::byte*, Dtype, Shape>, ValueId> seen;
  for (std::size_t i = 0; i < same.size(); ++i) {
    const auto& value = graph.values[i];
    same[i] = static_cast<ValueId>(i);
    if (value.kind != ValueKind::constant || value.data.data == nullptr) continue;
    same[i] = seen.try_emplace({value.data.data, value.data.dtype, value.data.shape}, same[i]).first->second;
  }
  return same;
}

}  // namespace

bool merge_common_subexpressions(Graph& graph, const PassContext&) {
  bool changed = false;
  auto same = merged_constants(graph);
  std::map<NodeKey, std::vector<ValueId>> seen;  // outputs of the first node
  const auto replace = [&same, &changed](std::vector<ValueId>& ids) {
    for (auto& id : ids) {
      const auto old = std::exchange(id, same[static_cast<std::size_t>(id)]);
      changed |= id != old;
    }
  };
  for (auto& node : std::exchange(graph.nodes, {})) {
    replace(node.inputs);
    if (node.op->pure && node.bodies.empty()) {
      const auto [first, fresh] = seen.try_emplace(key_of(graph, node), node.outputs);
      if (!fresh) {
        for (std::size_t i = 0; i < node.outputs.size(); ++i)
          same[static_cast<std::size_t>(node.outputs[i])] = first->second[i];
        changed = true;
        continue;
      }
    }
    graph.nodes.push_back(std::move(node));
  }
  replace(graph.outputs);
  return changed;
}

}  // namespace lathe
