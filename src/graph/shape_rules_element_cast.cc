// Shape rules of what changes the element type, and of Dropout, whose mask has another.
#include "base/error.h"
#include "graph/rule_check.h"
#include "graph/shape_rules_element.h"

namespace lathe::element_rules {
namespace {

/// Of elements that are no texts, in which casts have ops of their own.
Dtype target_of(const RuleCheck& check, const Node& node) {
  const auto dtype = dtype_named(node.text("to"));
  if (check.dtype(0) == Dtype::string) check.fail_input(0, "texts have no bits");
  if (!dtype || !is_element(*dtype) || *dtype == Dtype::string)
    check.fail("there is no element type " + printable(node.text("to")));
  return *dtype;
}

int bits_of(Dtype dtype) {
  if (dtype == Dtype::i4 || dtype == Dtype::u4 || dtype == Dtype::f4e2m1) return 4;
  if (dtype == Dtype::i2 || dtype == Dtype::u2) return 2;
  return static_cast<int>(info(dtype).block_bytes) * 8;
}

/// Whether all bytes of the elements are 0, but for a sign: 0 and -0 of any float.
bool is_zero(const TensorView& view) {
  const std::size_t bytes = info(view.dtype).block_bytes;
  unsigned found = std::to_integer<unsigned>(view.data[bytes - 1]) & 0x7fu;
  for (std::size_t i = 0; i + 1 < bytes; ++i) found |= std::to_integer<unsigned>(view.data[i]);
  return found == 0;
}

}  // namespace

Types cast(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x"});
  require_kinds(inputs, node, 0, Kinds::any);
  const auto& mode = node.text("round_mode");
  if (!mode.empty() && mode != "up" && mode != "down" && mode != "nearest")
    check.fail("round_mode must be up, down or nearest, not " + printable(mode));
  ValueType type = check.type(0);
  type.dtype = target_of(check, node);
  return {type};
}

Types bit_cast(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x"});
  require_kinds(inputs, node, 0, Kinds::any);
  ValueType type = check.type(0);
  type.dtype = target_of(check, node);
  if (bits_of(type.dtype) != bits_of(check.dtype(0)))
    check.fail_input(0, "has elements of another width than " + std::string(info(type.dtype).name));
  return {type};
}

/// Nothing is dropped but in training, which a run may ask for: until it is known that none does, the rank is
/// left open, so that the run asks this rule again.
Types dropout(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "ratio", "training mode"});
  require_kinds(inputs, node, 0, Kinds::any);
  ValueType mask = check.type(0);
  mask.dtype = Dtype::boolean;
  if (!check.has(2)) return {check.type(0), mask};
  check.require_dtype(2, {Dtype::boolean});
  const TensorView& training = check.value(2);
  const auto open = [&] {
    return Types{ValueType::unranked(check.dtype(0)), ValueType::unranked(Dtype::boolean)};
  };
  if (training.data == nullptr || element_count(training.shape) != 1) {
    if (training.data != nullptr) check.fail_input(2, "must have one element");
    return open();
  }
  if (training.data[0] == std::byte{0}) return {check.type(0), mask};
  if (check.has(1) && check.value(1).data == nullptr) return open();
  if (check.has(1) && element_count(check.value(1).shape) == 1 && is_zero(check.value(1)))
    return {check.type(0), mask};
  throw Error(ErrorCode::unsupported, "Dropout " + printable(node.name) + " of a training step is random");
}

}  // namespace lathe::element_rules
