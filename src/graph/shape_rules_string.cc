#include "graph/shape_rules_string.h"

#include <algorithm>

#include "base/error.h"
#include "graph/rule_check.h"
#include "graph/shape_rules_element.h"
#include "graph/text_lists.h"

namespace lathe::string_rules {
namespace {

using element_rules::Kinds;
using element_rules::require_kinds;

ValueType with_dtype(ValueType type, Dtype dtype) {
  type.dtype = dtype;
  return type;
}

}  // namespace

Types cast_from_string(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x"});
  check.require_dtype(0, {Dtype::string});
  const auto dtype = dtype_named(node.text("to"));
  if (!dtype || !element_rules::is_of(Kinds::numbers_and_bools, *dtype))
    check.fail("texts are read as numbers and truth values, and not as " + printable(node.text("to")));
  return {with_dtype(check.type(0), *dtype)};
}

Types cast_to_string(const RuleInputs& inputs, const Node& node) {
  require_kinds(inputs, node, 0, Kinds::numbers_and_bools);
  return {with_dtype(inputs.types[0], Dtype::string)};
}

Types string_normalizer(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "stop words"});
  check.require_dtype(0, {Dtype::string});
  check.require_dtype(1, {Dtype::string});
  check.require_rank(1, 1);
  check.integer("is_case_sensitive", 0, 1);
  const auto& action = node.text("case_change_action");
  if (action != "NONE" && action != "LOWER" && action != "UPPER")
    check.fail("case_change_action must be NONE, LOWER or UPPER, not " + printable(action));
  if (!check.ranked(0)) return {ValueType::unranked(Dtype::string)};
  check.require_rank(0, 1, 2);
  Dims dims = check.dims(0);
  if (dims.size() == 2) check.require_equal(0, 0, 1, "one row");
  dims.back() = Dim::unknown();
  if (dims.size() == 2) dims[0] = 1;
  return {{Dtype::string, std::move(dims)}};
}

Types string_split(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x"});
  check.require_dtype(0, {Dtype::string});
  ValueType parts = check.type(0);
  if (parts.ranked) {
    check.require_rank(0, 0, kMaxDims - 1);
    parts.dims.push_back(Dim::unknown());
  }
  return {parts, with_dtype(check.type(0), Dtype::i64)};
}

Types strings(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"bytes"});
  check.require_dtype(0, {Dtype::u8});
  check.require_rank(0, 1);
  auto dims = parse_dims(node.text("shape"));
  if (!dims || std::ranges::any_of(*dims, [](const Dim& dim) { return dim.is_symbolic() || dim.value < 0; }))
    check.fail("shape must be numbers from 0 on, not " + printable(node.text("shape")));
  return {{Dtype::string, *std::move(dims)}};
}

}  // namespace lathe::string_rules
