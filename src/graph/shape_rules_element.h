// The shape rules of ops that work element by element, of any type: for the rows of op_rows_element.cc.
#pragma once

#include <vector>

#include "graph/infer.h"

namespace lathe::element_rules {

using Types = std::vector<ValueType>;

enum class Kinds : unsigned char {
  floats,
  integers,
  numbers,
  numbers_and_bools,
  bools,
  strings,
  comparable,  // numbers, truth values and texts
  any,
};

bool is_of(Kinds kinds, Dtype dtype);

/// Fails at the input unless its dtype is of the kinds.
void require_kinds(const RuleInputs& inputs, const Node& node, std::size_t input, Kinds kinds);

/// Input 0's shape; its type, or bool.
Types same(const RuleInputs& inputs, const Node& node, Kinds kinds);
Types same_as_bool(const RuleInputs& inputs, const Node& node, Kinds kinds);
/// Inputs 0 and 1 of one type, broadcast; that type, or bool.
Types broadcast_both(const RuleInputs& inputs, const Node& node, Kinds kinds);
Types broadcast_to_bool(const RuleInputs& inputs, const Node& node, Kinds kinds);

template <Kinds kinds, Types (*rule)(const RuleInputs&, const Node&, Kinds)>
Types of(const RuleInputs& inputs, const Node& node) {
  return rule(inputs, node, kinds);
}

Types bit_shift(const RuleInputs& inputs, const Node& node);
Types power(const RuleInputs& inputs, const Node& node);
Types mod(const RuleInputs& inputs, const Node& node);
Types where(const RuleInputs& inputs, const Node& node);
Types parametric_relu(const RuleInputs& inputs, const Node& node);
Types swiglu(const RuleInputs& inputs, const Node& node);
Types clip(const RuleInputs& inputs, const Node& node);
Types gelu(const RuleInputs& inputs, const Node& node);
Types dropout(const RuleInputs& inputs, const Node& node);
Types cast(const RuleInputs& inputs, const Node& node);
Types bit_cast(const RuleInputs& inputs, const Node& node);
Types array_feature_extractor(const RuleInputs& inputs, const Node& node);
Types label_encoder(const RuleInputs& inputs, const Node& node);

}  // namespace lathe::element_rules
