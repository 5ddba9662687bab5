// The shape rules of ops on sequences and optionals (op_rows_sequence.cc).
#pragma once

#include <vector>

#include "graph/infer.h"

namespace lathe::shape_rules {

using Types = std::vector<ValueType>;

Types sequence_empty(const RuleInputs& inputs, const Node& node);
Types sequence_construct(const RuleInputs& inputs, const Node& node);
Types sequence_insert(const RuleInputs& inputs, const Node& node);
Types sequence_erase(const RuleInputs& inputs, const Node& node);
Types sequence_at(const RuleInputs& inputs, const Node& node);
Types sequence_length(const RuleInputs& inputs, const Node& node);
Types sequence_map(const RuleInputs& inputs, const Node& node);
Types split_to_sequence(const RuleInputs& inputs, const Node& node);
Types concat_from_sequence(const RuleInputs& inputs, const Node& node);
Types optional(const RuleInputs& inputs, const Node& node);
Types optional_get_element(const RuleInputs& inputs, const Node& node);
Types optional_has_element(const RuleInputs& inputs, const Node& node);

}  // namespace lathe::shape_rules
