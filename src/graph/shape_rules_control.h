// The shape rules of ops that run graphs of their own (op_rows_control.cc).
#pragma once

#include <vector>

#include "graph/infer.h"

namespace lathe::shape_rules {

std::vector<ValueType> if_else(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> loop(const RuleInputs& inputs, const Node& node);
std::vector<ValueType> scan(const RuleInputs& inputs, const Node& node);

}  // namespace lathe::shape_rules
