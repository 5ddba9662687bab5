// What the passes that make FusedLinear nodes share: products, and expressions over them as program text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "passes/uses.h"

namespace lathe {

/// A FusedLinear without its activation: weights w0.., inputs x0.. and the program over them.
struct LinearProgram {
  std::vector<ValueId> weights;
  std::vector<ValueId> inputs;
  std::string program;

  /// What a matrix product computes, as a FusedLinear has it; empty for every other node.
  static std::optional<LinearProgram> of(const Node& node);

  /// E of a program "o0 = E" that stores its one output as float32; empty for others.
  std::string_view expression() const;
  void set_expression(const std::string& expression);

  /// The name under which a program reads the value, which becomes an input of it.
  std::string add_input(ValueId id);

  /// Puts the other's outputs behind its own.
  void append(const LinearProgram& other);

  /// Whether a FusedLinear may be so large.
  bool fits() const;

  Node node(std::string name, ValueId activation, std::vector<ValueId> outputs) const;
};

/// True where `operand` is one row or one number to be broadcast over `whole`.
bool is_broadcast(const ValueType& operand, const ValueType& whole);

/// The name of a node that does what two others did; either may have none.
std::string joined_names(const std::string& first, const std::string& second);

/// Takes nodes out of the graph that others have replaced.
void erase_nodes(Graph& graph, const std::vector<bool>& gone);

}  // namespace lathe
