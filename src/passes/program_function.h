// What a node computes of one input as a function of fused programs (graph/fused_program.h).
#pragma once

#include <optional>
#include <string>

#include "graph/fused_program.h"
#include "graph/graph.h"

namespace lathe {

struct ProgramFunction {
  FusedFunction function;
  float constants[2] = {};
};

/// Empty where no function computes the node's output, bit for bit, of its first input alone.
std::optional<ProgramFunction> program_function(const Graph& graph, const Node& node);

/// "clip(x0, 0, 6)" of the operands "x0".
std::string program_call(FusedFunction function, const std::string& operands, const float constants[2]);
std::string program_call(const ProgramFunction& function, const std::string& operand);

}  // namespace lathe
