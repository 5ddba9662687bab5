#include "graph/shape_rules_element.h"

#include <algorithm>

#include "base/error.h"
#include "graph/rule_check.h"

namespace lathe::element_rules {
namespace {

bool is_float(Dtype dtype) {
  return dtype == Dtype::f32 || dtype == Dtype::f64 || dtype == Dtype::f16 || dtype == Dtype::bf16;
}

bool is_integer(Dtype dtype) {
  return (dtype >= Dtype::i8 && dtype <= Dtype::i64) || (dtype >= Dtype::u8 && dtype <= Dtype::u64);
}

RuleCheck check_of(const RuleInputs& inputs, const Node& node) { return {inputs, node, {"a", "b"}}; }

/// The dimension that both broadcast to. One that only a run knows gives one that a run checks: plans whose
/// dimensions are all numbers or symbols are not looked at again.
Dim broadcast_dim(const RuleCheck& check, std::size_t input, const Dim& a, const Dim& b) {
  if (a == b || b == Dim(1)) return a;
  if (a == Dim(1)) return b;
  if (!a.is_symbolic() && !b.is_symbolic())
    check.fail_input(input, "does not broadcast: " + to_string(b) + " beside " + to_string(a));
  if (a.is_unknown() && !b.is_symbolic()) return b;
  if (b.is_unknown() && !a.is_symbolic()) return a;
  return Dim::unknown();
}

/// `dims` broadcast with those of the input.
ValueType broadcast_with(const RuleCheck& check, const ValueType& type, std::size_t input) {
  if (!type.ranked || !check.ranked(input)) return ValueType::unranked(type.dtype);
  Dims dims = type.dims;
  const Dims& other = check.dims(input);
  if (dims.size() < other.size()) dims.insert(dims.begin(), other.size() - dims.size(), Dim(1));
  const std::size_t first = dims.size() - other.size();
  for (std::size_t i = 0; i < other.size(); ++i)
    dims[first + i] = broadcast_dim(check, input, dims[first + i], other[i]);
  return {type.dtype, std::move(dims)};
}

ValueType with_dtype(ValueType type, Dtype dtype) {
  type.dtype = dtype;
  return type;
}

/// Whether the input has one element; true where that is not known.
void require_one_element(const RuleCheck& check, std::size_t input) {
  if (!check.has(input) || !check.ranked(input)) return;
  for (std::size_t i = 0; i < check.dims(input).size(); ++i) check.require_equal(input, i, 1, "one element");
}

bool is_unsettled(const RuleCheck& check, std::size_t input) {
  if (!check.has(input)) return false;
  return !check.ranked(input) || std::ranges::any_of(check.dims(input), &Dim::is_symbolic);
}

}  // namespace

bool is_of(Kinds kinds, Dtype dtype) {
  switch (kinds) {
    case Kinds::floats:
      return is_float(dtype);
    case Kinds::integers:
      return is_integer(dtype);
    case Kinds::numbers:
      return is_float(dtype) || is_integer(dtype);
    case Kinds::numbers_and_bools:
      return is_float(dtype) || is_integer(dtype) || dtype == Dtype::boolean;
    case Kinds::bools:
      return dtype == Dtype::boolean;
    case Kinds::strings:
      return dtype == Dtype::string;
    case Kinds::comparable:
      return is_of(Kinds::numbers_and_bools, dtype) || dtype == Dtype::string;
    case Kinds::any:
      return is_element(dtype);
  }
  return false;
}

void require_kinds(const RuleInputs& inputs, const Node& node, std::size_t input, Kinds kinds) {
  const auto check = check_of(inputs, node);
  if (!check.has(input) || !is_of(kinds, check.dtype(input)))
    check.fail_input(input, "elements of this type are not taken");
}

Types same(const RuleInputs& inputs, const Node& node, Kinds kinds) {
  require_kinds(inputs, node, 0, kinds);
  return {inputs.types[0]};
}

Types same_as_bool(const RuleInputs& inputs, const Node& node, Kinds kinds) {
  require_kinds(inputs, node, 0, kinds);
  return {with_dtype(inputs.types[0], Dtype::boolean)};
}

Types broadcast_both(const RuleInputs& inputs, const Node& node, Kinds kinds) {
  const auto check = check_of(inputs, node);
  require_kinds(inputs, node, 0, kinds);
  check.require_same_dtype(1, 0);
  return {broadcast_with(check, inputs.types[0], 1)};
}

Types broadcast_to_bool(const RuleInputs& inputs, const Node& node, Kinds kinds) {
  return {with_dtype(broadcast_both(inputs, node, kinds)[0], Dtype::boolean)};
}

Types bit_shift(const RuleInputs& inputs, const Node& node) {
  const auto& direction = node.text("direction");
  if (direction != "LEFT" && direction != "RIGHT")
    check_of(inputs, node).fail("direction must be LEFT or RIGHT, not " + printable(direction));
  return broadcast_both(inputs, node, Kinds::integers);
}

Types mod(const RuleInputs& inputs, const Node& node) {
  check_of(inputs, node).integer("fmod", 0, 1);
  return broadcast_both(inputs, node, Kinds::numbers);
}

Types power(const RuleInputs& inputs, const Node& node) {
  const auto check = check_of(inputs, node);
  check.require_dtype(0, {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16, Dtype::i32, Dtype::i64});
  require_kinds(inputs, node, 1, Kinds::numbers);
  return {broadcast_with(check, inputs.types[0], 1)};
}

Types where(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"condition", "a", "b"});
  check.require_dtype(0, {Dtype::boolean});
  require_kinds(inputs, node, 1, Kinds::any);
  check.require_same_dtype(2, 1);
  const auto both = broadcast_with(check, inputs.types[1], 2);
  return {broadcast_with(check, both, 0)};
}

Types parametric_relu(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "slope"});
  require_kinds(inputs, node, 0, Kinds::numbers);
  check.require_same_dtype(1, 0);
  const auto both = broadcast_with(check, inputs.types[0], 1);
  if (!both.ranked) return {both};
  const auto& dims = check.dims(0);
  if (dims.size() < both.dims.size()) check.fail_input(1, "has more dimensions than x");
  for (std::size_t i = 0; i < dims.size(); ++i)
    if (!may_equal(dims[i], both.dims[i])) check.fail_input(1, "does not broadcast to x");
  return {both};
}

Types swiglu(const RuleInputs& inputs, const Node& node) {
  const auto check = check_of(inputs, node);
  require_kinds(inputs, node, 0, Kinds::floats);
  check.require_same_dtype(1, 0);
  if (!check.ranked(0) || !check.ranked(1)) return {ValueType::unranked(check.dtype(0))};
  check.require_rank(1, check.dims(0).size());
  ValueType type = inputs.types[0];
  for (std::size_t i = 0; i < type.dims.size(); ++i) {
    check.require_equal(1, i, type.dims[i], "as a");
    if (type.dims[i] != check.dims(1)[i]) type.dims[i] = Dim::unknown();
  }
  return {type};
}

Types clip(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "min", "max"});
  require_kinds(inputs, node, 0, Kinds::numbers);
  bool unsettled = false;
  for (const std::size_t bound : {1U, 2U}) {
    if (!check.has(bound)) continue;
    check.require_same_dtype(bound, 0);
    require_one_element(check, bound);
    unsettled = unsettled || is_unsettled(check, bound);
  }
  // A run asks again where a type is not settled.
  return {unsettled ? ValueType::unranked(check.dtype(0)) : check.type(0)};
}

Types gelu(const RuleInputs& inputs, const Node& node) {
  const auto& form = node.text("approximate");
  if (!form.empty() && form != "none" && form != "tanh")
    check_of(inputs, node).fail("approximate must be none or tanh, not " + printable(form));
  return same(inputs, node, Kinds::floats);
}

}  // namespace lathe::element_rules
