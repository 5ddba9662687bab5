// Who makes and who reads each value of a graph, for passes that match patterns. It describes the graph as it
// was when this was made.
#pragma once

#include <vector>

#include "graph/graph.h"

namespace lathe {

class Uses {
 public:
  explicit Uses(const Graph& graph);

  /// Index in Graph::nodes of the node that computes the value; -1: none does.
  std::ptrdiff_t producer(ValueId id) const { return producers_[static_cast<std::size_t>(id)]; }
  /// Indices of the nodes that read it, ascending, one for each input.
  const std::vector<std::size_t>& readers(ValueId id) const { return readers_[static_cast<std::size_t>(id)]; }
  bool is_output(ValueId id) const { return outputs_[static_cast<std::size_t>(id)]; }
  /// The one node that reads it, where there is exactly one and it is no output of the graph; else -1.
  std::ptrdiff_t only_reader(ValueId id) const;

 private:
  std::vector<std::ptrdiff_t> producers_;
  std::vector<std::vector<std::size_t>> readers_;
  std::vector<bool> outputs_;
};

}  // namespace lathe
