// The shape rules of ops that read or write texts: for the rows of op_rows_string.cc.
#pragma once

#include <vector>

#include "graph/infer.h"

namespace lathe::string_rules {

using Types = std::vector<ValueType>;

Types cast_from_string(const RuleInputs& inputs, const Node& node);
Types cast_to_string(const RuleInputs& inputs, const Node& node);
Types string_normalizer(const RuleInputs& inputs, const Node& node);
Types string_split(const RuleInputs& inputs, const Node& node);
Types strings(const RuleInputs& inputs, const Node& node);

}  // namespace lathe::string_rules
