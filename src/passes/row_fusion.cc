#include "passes/row_fusion.h"

#include <algorithm>
#include <limits>
#include <unordered_set>

#include "passes/row_steps.h"

namespace lathe {
namespace {

RowWork work_of(const std::vector<RowStep>& steps) {
  RowWork work;
  work.on_rows = work.quantizes_only = !steps.empty();
  for (const auto& step : steps) {
    work.reduces |= step.function == FusedFunction::rms || step.function == FusedFunction::layer;
    work.quantizes |= step.function == FusedFunction::quantize;
    work.quantizes_only &= step.function == FusedFunction::quantize;
  }
  return work;
}

std::string name_of(const Node& node) { return node.name.empty() ? std::string(node.op->name) : node.name; }

/// Nodes keep their places while pairs are joined: a joined node takes the place of one of the two, and the
/// other's is empty until finish(). So who makes and reads a value is kept up to date at little cost.
class Fusion {
 public:
  Fusion(Graph& graph, bool (*wanted)(const RowPair&))
      : graph_(graph), wanted_(wanted), makers_(graph.values.size(), -1), readers_(graph.values.size()) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) enter(i);
    for (const auto id : graph.outputs) readers_of(id).push_back(kOutput);
    for (const auto& node : graph.nodes) names_.insert(node.name);
  }

  bool run() {
    bool changed = false;
    for (bool again = true; again;) {
      again = false;
      for (std::size_t i = 0; i < graph_.nodes.size();) {
        const auto joined = join_with_makers(i);
        again |= joined >= 0;
        i = joined >= 0 ? static_cast<std::size_t>(joined) : i + 1;
      }
      changed |= again;
    }
    std::erase_if(graph_.nodes, [](const Node& node) { return node.op == nullptr; });
    return changed;
  }

 private:
  static constexpr std::ptrdiff_t kOutput = std::numeric_limits<std::ptrdiff_t>::max();

  std::ptrdiff_t maker(ValueId id) const { return makers_[static_cast<std::size_t>(id)]; }
  std::vector<std::ptrdiff_t>& readers_of(ValueId id) { return readers_[static_cast<std::size_t>(id)]; }
  const std::vector<std::ptrdiff_t>& readers_of(ValueId id) const {
    return readers_[static_cast<std::size_t>(id)];
  }
  Node& node(std::ptrdiff_t place) { return graph_.nodes[static_cast<std::size_t>(place)]; }
  const Node& node(std::ptrdiff_t place) const { return graph_.nodes[static_cast<std::size_t>(place)]; }

  void enter(std::size_t place) {
    for (const auto id : graph_.nodes[place].outputs)
      makers_[static_cast<std::size_t>(id)] = static_cast<std::ptrdiff_t>(place);
    for (const auto id : graph_.nodes[place].inputs)
      readers_of(id).push_back(static_cast<std::ptrdiff_t>(place));
  }

  void remove(std::ptrdiff_t place) {
    for (const auto id : node(place).inputs) std::erase(readers_of(id), place);
    names_.erase(node(place).name);
    node(place) = {};
  }

  /// Joins the node with a maker of what it reads. The place of the joined node, or -1.
  std::ptrdiff_t join_with_makers(std::size_t place) {
    const auto reader = static_cast<std::ptrdiff_t>(place);
    for (const auto input : node(reader).inputs)
      if (maker(input) >= 0)
        if (const auto joined = join(maker(input), reader); joined >= 0) return joined;
    return -1;
  }

  bool read_by_others(ValueId id, std::ptrdiff_t first, std::ptrdiff_t second) const {
    return std::ranges::any_of(readers_of(id),
                               [&](std::ptrdiff_t reader) { return reader != first && reader != second; });
  }

  /// Behind the makers of all that it reads, before the readers of all that it makes: the reader's place, or
  /// the producer's. -1: neither.
  std::ptrdiff_t place_for(std::ptrdiff_t producer, std::ptrdiff_t reader) const {
    std::ptrdiff_t first_reader = kOutput;
    for (const auto id : node(producer).outputs)
      for (const auto other : readers_of(id))
        if (other != reader) first_reader = std::min(first_reader, other);
    if (first_reader > reader) return reader;
    for (const auto id : node(reader).inputs)
      if (maker(id) > producer) return -1;
    return producer;
  }

  std::ptrdiff_t join(std::ptrdiff_t producer, std::ptrdiff_t reader) {
    ValueId next_unnamed = -1;
    auto steps = row_steps(graph_, node(producer), next_unnamed);
    if (steps.empty()) return -1;
    const auto later = row_steps(graph_, node(reader), next_unnamed);
    const bool others = std::ranges::any_of(node(producer).outputs,
                                            [&](ValueId id) { return read_by_others(id, producer, reader); });
    const RowPair pair{work_of(steps), work_of(later), !others};
    if (later.empty() || !wanted_(pair) || rows_of(producer) != rows_of(reader)) return -1;
    const auto place = place_for(producer, reader);
    if (place < 0) return -1;
    steps.insert(steps.end(), later.begin(), later.end());
    auto parts = row_program(graph_, std::move(steps),
                             [&](ValueId id) { return read_by_others(id, producer, reader); });
    if (!parts) return -1;
    std::string name = name_of(node(producer)) + " + " + name_of(node(reader));
    remove(producer);
    remove(reader);
    while (names_.contains(name)) name += " +";
    names_.insert(name);
    node(place) = {find_op("RowProgram"),
                   std::move(name),
                   std::move(parts->inputs),
                   std::move(parts->outputs),
                   {{"program", std::move(parts->program)}}};
    enter(static_cast<std::size_t>(place));
    return place;
  }

  const Dims& rows_of(std::ptrdiff_t place) const { return graph_.value(node(place).outputs[0]).type.dims; }

  Graph& graph_;
  bool (*wanted_)(const RowPair&);
  std::vector<std::ptrdiff_t> makers_;                // by value: the node's place; -1: none
  std::vector<std::vector<std::ptrdiff_t>> readers_;  // by value: places, once for each input, and kOutput
  std::unordered_set<std::string> names_;
};

}  // namespace

bool fuse_rows(Graph& graph, bool (*wanted)(const RowPair& pair)) { return Fusion(graph, wanted).run(); }

}  // namespace lathe
