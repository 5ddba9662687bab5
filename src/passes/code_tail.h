// What stands behind a node whose result becomes codes: nodes that each alone read the one before.
#pragma once

#include <limits>

#include "passes/tensor_codes.h"

namespace lathe {

class CodeTail {
 public:
  /// Behind the node at `last`.
  CodeTail(const Graph& graph, const Uses& uses, std::size_t last)
      : graph_(graph), uses_(uses), last_(last) {}

  /// The last node that was taken, and what it computes.
  std::size_t last() const { return last_; }
  ValueId result() const { return graph_.nodes[last_].outputs[0]; }
  /// The bounds that were taken; the greatest float32 is none.
  double least() const { return least_; }
  double most() const { return most_; }

  /// The node that alone reads the result, where it is of the op and keeps the dimensions.
  const Node* next(std::string_view op) const;
  /// Takes that node, which must be there.
  void advance() { last_ = static_cast<std::size_t>(uses_.only_reader(result())); }
  /// Takes a Relu or Clip.
  void take_limits();
  /// Takes a QuantizeLinear.
  std::optional<CodeScale> take_scale();

 private:
  const Graph& graph_;
  const Uses& uses_;
  std::size_t last_;
  double least_ = -static_cast<double>(std::numeric_limits<float>::max());
  double most_ = static_cast<double>(std::numeric_limits<float>::max());
};

}  // namespace lathe
