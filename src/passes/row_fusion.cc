#include "passes/row_fusion.h"

#include <algorithm>

#include "passes/row_steps.h"
#include "passes/uses.h"

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

std::string joined_name(const Graph& graph, const Node& producer, const Node& reader) {
  const auto name_of = [](const Node& node) {
    return node.name.empty() ? std::string(node.op->name) : node.name;
  };
  std::string name = name_of(producer) + " + " + name_of(reader);
  const auto taken = [&] {
    return std::ranges::any_of(graph.nodes, [&](const Node& node) { return node.name == name; });
  };
  while (taken()) name += " +";
  return name;
}

class Fusion {
 public:
  Fusion(Graph& graph, bool (*wanted)(const RowPair&)) : graph_(graph), uses_(graph), wanted_(wanted) {}

  /// Joins the first wanted pair whose reader is at `from` or behind, and sets `from` to the joined node.
  bool join_next(std::size_t& from) {
    for (; from < graph_.nodes.size(); ++from)
      for (const auto input : graph_.nodes[from].inputs) {
        const auto producer = uses_.producer(input);
        if (producer >= 0 && join(static_cast<std::size_t>(producer), from)) return true;
      }
    return false;
  }

 private:
  bool only_reader(const Node& producer, std::size_t reader) const {
    return std::ranges::all_of(producer.outputs, [&](ValueId id) {
      return !uses_.is_output(id) &&
             std::ranges::all_of(uses_.readers(id), [&](std::size_t index) { return index == reader; });
    });
  }

  /// Where the joined node may stand: behind the makers of all that it reads, before the readers of all that
  /// it makes, at the reader's place if that is possible. -1: nowhere in the order as it is.
  std::ptrdiff_t place_for(std::size_t first, std::size_t second) const {
    std::ptrdiff_t last_maker = -1;
    auto first_reader = static_cast<std::ptrdiff_t>(graph_.nodes.size());
    for (const auto index : {first, second}) {
      for (const auto id : graph_.nodes[index].inputs)
        if (uses_.producer(id) != static_cast<std::ptrdiff_t>(first))
          last_maker = std::max(last_maker, uses_.producer(id));
      for (const auto id : graph_.nodes[index].outputs)
        for (const auto reader : uses_.readers(id))
          if (reader != second) first_reader = std::min(first_reader, static_cast<std::ptrdiff_t>(reader));
    }
    if (first_reader > static_cast<std::ptrdiff_t>(second)) return static_cast<std::ptrdiff_t>(second);
    return last_maker < first_reader ? std::max(last_maker + 1, static_cast<std::ptrdiff_t>(first)) : -1;
  }

  bool join(std::size_t first, std::size_t& second) {
    const Node& producer = graph_.nodes[first];
    const Node& reader = graph_.nodes[second];
    ValueId next_unnamed = -1;
    auto steps = row_steps(graph_, producer, next_unnamed);
    const auto later = row_steps(graph_, reader, next_unnamed);
    const RowPair pair{work_of(steps), work_of(later), only_reader(producer, second)};
    if (!pair.producer.on_rows || !pair.reader.on_rows || !wanted_(pair)) return false;
    if (graph_.value(producer.outputs[0]).type.dims != graph_.value(reader.outputs[0]).type.dims)
      return false;
    const auto place = place_for(first, second);
    if (place < 0) return false;
    steps.insert(steps.end(), later.begin(), later.end());
    auto parts = row_program(graph_, std::move(steps), [&](ValueId id) {
      return uses_.is_output(id) || std::ranges::any_of(uses_.readers(id), [&](std::size_t index) {
               return index != first && index != second;
             });
    });
    if (!parts) return false;
    Node node;
    node.op = find_op("RowProgram");
    node.name = joined_name(graph_, producer, reader);
    node.inputs = std::move(parts->inputs);
    node.outputs = std::move(parts->outputs);
    node.attributes = {{"program", std::move(parts->program)}};
    second = replace(first, second, place, std::move(node));
    uses_ = Uses(graph_);
    return true;
  }

  /// Returns where the new node is.
  std::size_t replace(std::size_t first, std::size_t second, std::ptrdiff_t place, Node node) {
    auto& nodes = graph_.nodes;
    nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(second));
    nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(first));
    place -= (static_cast<std::ptrdiff_t>(first) < place ? 1 : 0) +
             (static_cast<std::ptrdiff_t>(second) < place ? 1 : 0);
    nodes.insert(nodes.begin() + place, std::move(node));
    return static_cast<std::size_t>(place);
  }

  Graph& graph_;
  Uses uses_;
  bool (*wanted_)(const RowPair&);
};

}  // namespace

bool fuse_rows(Graph& graph, bool (*wanted)(const RowPair& pair)) {
  Fusion fusion(graph, wanted);
  bool changed = false;
  for (bool again = true; again;) {
    again = false;
    for (std::size_t from = 0; fusion.join_next(from);) changed = again = true;
  }
  return changed;
}

}  // namespace lathe
