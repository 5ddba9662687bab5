// Linear, QuantizedLinear and FusedLinear nodes that read the same activation -> one FusedLinear with an
// output for each (q, k and v; the attention and the feed-forward block where they stand side by side).
// Bit-equal: programs are put one behind the other.
//
// Threads share the groups of all its weights, so that narrow ones (K and V of few heads) leave none of them
// idle, and wait for each other once. Nodes that come later move to the first one's place; those whose other
// inputs are not there yet stay: so none can depend on another. They are pure and read no state.
#include <map>
#include <utility>

#include "passes/linear_program.h"
#include "passes/pass.h"

namespace lathe {
namespace {

struct Member {
  std::size_t node;
  LinearProgram program;
};

/// True where the node's inputs are all there before node `place`.
bool ready_at(const Node& node, std::size_t place, const Uses& uses) {
  for (const auto input : node.inputs)
    if (uses.producer(input) >= static_cast<std::ptrdiff_t>(place)) return false;
  return true;
}

}  // namespace

bool fuse_shared_inputs(Graph& graph, const PassContext&) {
  const Uses uses(graph);
  std::vector<std::vector<Member>> groups;
  std::map<ValueId, std::size_t> open;  // by activation: the group that takes more
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    auto program = LinearProgram::of(node);
    if (!program) continue;
    if (const auto known = open.find(node.inputs[0]); known != open.end()) {
      auto& members = groups[known->second];
      LinearProgram sum = members.front().program;
      sum.append(*program);
      if (sum.fits() && ready_at(node, members.front().node, uses)) {
        members.front().program = std::move(sum);
        members.push_back({i, {}});
        continue;
      }
      if (members.size() == 1 && sum.fits()) continue;  // the first goes on looking for others
    }
    open[node.inputs[0]] = groups.size();
    groups.push_back({{i, std::move(*program)}});
  }

  bool changed = false;
  std::vector<bool> gone(graph.nodes.size(), false);
  for (const auto& members : groups) {
    if (members.size() == 1) continue;
    std::string name;
    std::vector<ValueId> outputs;
    for (const auto& member : members) {
      const Node& node = graph.nodes[member.node];
      name = joined_names(name, node.name);
      outputs.insert(outputs.end(), node.outputs.begin(), node.outputs.end());
      gone[member.node] = true;
    }
    Node& place = graph.nodes[members.front().node];
    gone[members.front().node] = false;
    place = members.front().program.node(std::move(name), place.inputs[0], std::move(outputs));
    changed = true;
  }
  if (changed) erase_nodes(graph, gone);
  return changed;
}

}  // namespace lathe
