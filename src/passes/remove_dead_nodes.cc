// Nodes that no output needs go, and then the constants that nothing uses. Inputs and states stay: callers
// bind them by name.
//
// A write to a state is an effect that outlives the run, and stays, with all that it needs, as long as
// something may read it: a node that is needed, or nobody in this graph, so that it is meant for others.
// Where the graph reads what is written and needs none of these reads (a layer behind the last output), the
// write goes with the layer. Reads and writes with an attribute "layer" concern that layer of the state
// alone.
#include <algorithm>
#include <span>

#include "passes/pass.h"

namespace lathe {
namespace {

class Liveness {
 public:
  explicit Liveness(const Graph& graph)
      : graph_(graph), live_(graph.nodes.size(), false), needed_(graph.values.size(), false) {
    for (const auto id : graph.outputs) needed_[at(id)] = true;
    find_states();
    for (std::size_t i = 0; i < live_.size(); ++i)
      if (!graph.nodes[i].op->pure) live_[i] = !is_read_here(graph.nodes[i]);
    do spread();
    while (add_writes());
  }

  bool is_live(std::size_t node) const { return live_[node]; }

 private:
  static constexpr ValueId kNoState = -1;
  static std::size_t at(ValueId id) { return static_cast<std::size_t>(id); }

  /// For each value the state whose bytes it is.
  void find_states() {
    states_.assign(graph_.values.size(), kNoState);
    for (std::size_t i = 0; i < states_.size(); ++i)
      if (graph_.values[i].kind == ValueKind::state) states_[i] = static_cast<ValueId>(i);
    for (const auto& node : graph_.nodes)
      if (node.op->aliases_input >= 0)
        states_[at(node.outputs[0])] = states_[at(node.inputs[at(node.op->aliases_input)])];
  }

  ValueId written_state(const Node& write) const { return states_[at(write.outputs[0])]; }

  /// Whether `node` takes bytes out of what `write` puts into its state.
  bool reads(const Node& node, const Node& write) const {
    if (!node.op->pure || node.op->aliases_input >= 0) return false;
    const auto layer = node.attributes.find("layer");
    const auto written = write.attributes.find("layer");
    if (layer != node.attributes.end() && written != write.attributes.end() &&
        layer->second != written->second)
      return false;
    return std::ranges::any_of(node.inputs, [&](ValueId id) {
      return states_[at(id)] != kNoState && states_[at(id)] == written_state(write);
    });
  }

  bool is_read_here(const Node& write) const {
    return std::ranges::any_of(graph_.nodes, [&](const Node& node) { return reads(node, write); });
  }

  /// From what is needed to what it needs, last node first.
  void spread() {
    for (std::size_t i = graph_.nodes.size(); i-- > 0;) {
      const Node& node = graph_.nodes[i];
      // What hands on a state is not needed because a later write is.
      const auto own = std::span(node.outputs).subspan(node.op->pure ? 0 : 1);
      live_[i] = live_[i] || std::ranges::any_of(own, [&](ValueId id) { return needed_[at(id)]; });
      if (!live_[i]) continue;
      for (const auto id : node.inputs) needed_[at(id)] = true;
    }
  }

  /// Writes that a live node reads, in this run or the next one.
  bool add_writes() {
    bool added = false;
    for (std::size_t i = 0; i < live_.size(); ++i) {
      const Node& write = graph_.nodes[i];
      if (write.op->pure || live_[i]) continue;
      bool read = std::ranges::any_of(graph_.outputs,
                                      [&](ValueId id) { return states_[at(id)] == written_state(write); });
      for (std::size_t k = 0; k < live_.size() && !read; ++k)
        read = live_[k] && reads(graph_.nodes[k], write);
      live_[i] = read;
      added |= read;
    }
    return added;
  }

  const Graph& graph_;
  std::vector<bool> live_;
  std::vector<bool> needed_;
  std::vector<ValueId> states_;
};

}  // namespace

bool remove_dead_nodes(Graph& graph, const PassContext&) {
  const Liveness liveness(graph);
  std::vector<ValueId> same(graph.values.size());  // a write that goes hands on the state as it was
  for (std::size_t i = 0; i < same.size(); ++i) same[i] = static_cast<ValueId>(i);
  std::vector<Node> kept;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    auto& node = graph.nodes[i];
    for (auto& id : node.inputs) id = same[static_cast<std::size_t>(id)];
    if (liveness.is_live(i))
      kept.push_back(std::move(node));
    else if (!node.op->pure)
      same[static_cast<std::size_t>(node.outputs[0])] =
          node.inputs[static_cast<std::size_t>(node.op->aliases_input)];
  }
  const auto removed = graph.nodes.size() - kept.size();
  graph.nodes = std::move(kept);
  for (auto& id : graph.outputs) id = same[static_cast<std::size_t>(id)];
  return remove_unused_values(graph) + removed != 0;
}

}  // namespace lathe
