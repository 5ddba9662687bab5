#include "graph/shape_rules_sequence.h"

#include "graph/rule_check.h"

namespace lathe::shape_rules {
namespace {

/// What is said of a sequence: its tensors' dtype alone, for each may have dimensions of its own.
ValueType container_of(Dtype dtype, Container container) { return {dtype, {}, false, container}; }

void require(const RuleCheck& check, std::size_t input, Container container) {
  if (check.type(input).container == container) return;
  check.fail_input(input, container == Container::sequence ? "must be a sequence" : "must be a tensor");
}

void require_position(const RuleCheck& check, std::size_t input) {
  if (!check.has(input)) return;
  require(check, input, Container::tensor);
  check.require_dtype(input, {Dtype::i64, Dtype::i32});
}

}  // namespace

Types sequence_empty(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"none"});
  const auto dtype = dtype_named(node.text("dtype"));
  if (!dtype || !is_element(*dtype)) check.fail("there is no type " + node.text("dtype"));
  return {container_of(*dtype, Container::sequence)};
}

Types sequence_construct(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"tensors"});
  for (std::size_t i = 0; i < check.count(); ++i) {
    require(check, i, Container::tensor);
    check.require_same_dtype(i, 0);
  }
  return {container_of(check.dtype(0), Container::sequence)};
}

Types sequence_insert(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"sequence", "tensor", "position"});
  require(check, 0, Container::sequence);
  require(check, 1, Container::tensor);
  check.require_same_dtype(1, 0);
  require_position(check, 2);
  return {container_of(check.dtype(0), Container::sequence)};
}

Types sequence_erase(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"sequence", "position"});
  require(check, 0, Container::sequence);
  require_position(check, 1);
  return {container_of(check.dtype(0), Container::sequence)};
}

Types sequence_at(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"sequence", "position"});
  require(check, 0, Container::sequence);
  require_position(check, 1);
  return {ValueType::unranked(check.dtype(0))};
}

Types sequence_length(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"sequence"});
  require(check, 0, Container::sequence);
  return {{Dtype::i64, {}}};
}

Types sequence_map(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"sequence", "sequences and tensors"});
  require(check, 0, Container::sequence);
  const Graph& body = *node.bodies[0];
  Types types;
  for (const auto output : body.outputs)
    types.push_back(container_of(body.value(output).type.dtype, Container::sequence));
  return types;
}

Types split_to_sequence(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"tensor", "split"});
  require(check, 0, Container::tensor);
  require_position(check, 1);
  if (check.ranked(0)) check.axis(check.integer("axis"), check.dims(0).size());
  check.integer("keepdims", 0, 1);
  return {container_of(check.dtype(0), Container::sequence)};
}

Types concat_from_sequence(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"sequence"});
  require(check, 0, Container::sequence);
  check.integer("new_axis", 0, 1);
  return {ValueType::unranked(check.dtype(0))};
}

Types optional(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"element"});
  if (!check.has(0)) {
    const auto dtype = dtype_named(node.text("dtype"));
    if (!dtype || !is_element(*dtype)) check.fail("there is no type " + node.text("dtype"));
    const bool list = check.integer("sequence", 0, 1) == 1;
    return {container_of(*dtype, list ? Container::optional_sequence : Container::optional)};
  }
  ValueType type = check.type(0);
  if (type.container != Container::tensor && type.container != Container::sequence)
    check.fail_input(0, "must be a tensor or a sequence");
  type.container = type.container == Container::sequence ? Container::optional_sequence : Container::optional;
  return {type};
}

Types optional_get_element(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"optional"});
  ValueType type = check.type(0);
  if (type.container == Container::optional) type.container = Container::tensor;
  if (type.container == Container::optional_sequence) type.container = Container::sequence;
  return {type};
}

Types optional_has_element(const RuleInputs&, const Node&) { return {{Dtype::boolean, {}}}; }

}  // namespace lathe::shape_rules
