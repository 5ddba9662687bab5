// Follows sizes through a graph, node by node in order: types of outputs from all that is known of inputs,
// elements of shape tensors among it.
#pragma once

#include <vector>

#include "graph/graph.h"
#include "graph/size_elements.h"

namespace lathe {

class SizeValues {
 public:
  explicit SizeValues(SymbolRanges symbols = {}) : symbols_(std::move(symbols)) {}

  const SymbolRanges& symbols() const { return symbols_; }
  void set_range(const std::string& symbol, DimRange range) { symbols_.set(symbol, range); }

  /// Of a constant, or of an output of a node that follow() has seen.
  Elements of(const Graph& graph, ValueId id) const;

  /// The types that the node's rule gives. Throws Error(invalid_argument).
  std::vector<ValueType> infer(const Graph& graph, const Node& node) const;

  /// Takes the types that infer() gives where some were not known, and notes the outputs' elements. True
  /// where a type has changed. Where the rule does not take what has become known of the node's inputs, these
  /// are not known again: a run finds out.
  bool follow(Graph& graph, const Node& node);

 private:
  bool sharpen(Graph& graph, const Node& node);
  bool forget_inputs(Graph& graph, const Node& node);

  SymbolRanges symbols_;
  std::vector<Elements> elements_;             // by ValueId
  std::map<ValueId, ValueType> types_before_;  // of values whose types follow() has changed
};

}  // namespace lathe
