// What a node computes of rows as steps over the graph's values, and a RowProgram out of such steps.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "graph/fused_program.h"
#include "graph/graph.h"

namespace lathe {

struct RowStep {
  FusedFunction function;
  std::vector<ValueId> operands;
  float constants[2] = {};
  ValueId result = -1;  // a value of the graph, or below 0 one that is none
};

/// Empty where no RowProgram can do what the node does. Results that are no values of the graph get ids from
/// `next_unnamed` down.
std::vector<RowStep> row_steps(const Graph& graph, const Node& node, ValueId& next_unnamed);

struct RowProgramParts {
  std::string program;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
};

/// The program of these steps with the outputs that `needed` asks for; steps that nothing needs are left out.
/// Empty where that is more than a program may have, or nothing.
std::optional<RowProgramParts> row_program(const Graph& graph, std::vector<RowStep> steps,
                                           const std::function<bool(ValueId)>& needed);

}  // namespace lathe
