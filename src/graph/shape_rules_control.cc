#include "graph/shape_rules_control.h"

#include <algorithm>

#include "graph/rule_check.h"

namespace lathe::shape_rules {
namespace {

using Types = std::vector<ValueType>;

/// What is known of a value that is of one type or of the other.
ValueType either(const ValueType& a, const ValueType& b) {
  if (!a.ranked || !b.ranked || a.dims.size() != b.dims.size()) return {a.dtype, {}, false, a.container};
  ValueType result = a;
  for (std::size_t i = 0; i < result.dims.size(); ++i)
    if (result.dims[i] != b.dims[i]) result.dims[i] = Dim::unknown();
  return result;
}

const ValueType& output_type(const Graph& body, std::size_t output) {
  return body.value(body.outputs[output]).type;
}

std::size_t input_count(const Graph& body) {
  return static_cast<std::size_t>(
      std::ranges::count(body.values, ValueKind::input, [](const Value& value) { return value.kind; }));
}

std::size_t count_of(const RuleCheck& check, std::string_view attribute) {
  return static_cast<std::size_t>(check.integer(attribute, 0, static_cast<std::int64_t>(check.count())));
}

void require_inputs(const RuleCheck& check, const Graph& body, std::size_t given) {
  if (input_count(body) != given)
    check.fail("its graph has " + std::to_string(input_count(body)) + " inputs, and is given " +
               std::to_string(given));
}

/// Slices of the type, one behind the other along `axis`.
ValueType stacked(const RuleCheck& check, const ValueType& slice, const Dim& count, std::int64_t axis) {
  if (slice.container != Container::tensor) check.fail("a scanned output is no tensor");
  if (!slice.ranked) return slice;
  ValueType result = slice;
  const auto at = check.axis(axis, slice.dims.size() + 1);
  result.dims.insert(result.dims.begin() + static_cast<std::ptrdiff_t>(at), count);
  return result;
}

/// Whether it is what an optional may have in it.
bool fills(Container element, Container optional) {
  return (optional == Container::optional && element == Container::tensor) ||
         (optional == Container::optional_sequence && element == Container::sequence);
}

std::int64_t item_or(const std::vector<std::int64_t>& list, std::size_t i, std::int64_t otherwise) {
  return list.empty() ? otherwise : list[i];
}

}  // namespace

Types if_else(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"condition", "what its graphs take"});
  check.require_dtype(0, {Dtype::boolean});
  const Graph& first = *node.bodies[0];
  const Graph& second = *node.bodies[1];
  const std::size_t taken = count_of(check, "then_inputs");
  if (taken + 1 > check.count()) check.fail("then_inputs is more than there are");
  require_inputs(check, first, taken);
  require_inputs(check, second, check.count() - 1 - taken);
  if (first.outputs.size() != second.outputs.size())
    check.fail("its graphs have different numbers of outputs");
  Types types;
  for (std::size_t i = 0; i < first.outputs.size(); ++i) {
    if (output_type(first, i).dtype != output_type(second, i).dtype ||
        output_type(first, i).container != output_type(second, i).container)
      check.fail("output " + std::to_string(i) + " of its graphs has two types");
    types.push_back(either(output_type(first, i), output_type(second, i)));
  }
  return types;
}

Types loop(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"most iterations", "condition", "carried and taken values"});
  if (check.has(0)) check.require_dtype(0, {Dtype::i64});
  if (check.has(1)) check.require_dtype(1, {Dtype::boolean});
  const Graph& body = *node.bodies[0];
  const std::size_t carried = count_of(check, "carried");
  if (carried + 2 > check.count()) check.fail("carried is more than there are");
  require_inputs(check, body, check.count());
  if (body.outputs.size() < carried + 1) check.fail("its graph has too few outputs");
  Types types;
  for (std::size_t i = 0; i < carried; ++i) {
    const auto& made = output_type(body, i + 1);
    const auto& given = check.type(i + 2);
    const bool is_filled = fills(made.container, given.container);
    if (made.dtype != given.dtype || (made.container != given.container && !is_filled))
      check.fail_input(i + 2, "must keep its type");
    types.push_back(is_filled ? ValueType{made.dtype, {}, false, made.container} : either(given, made));
  }
  for (std::size_t i = carried + 1; i < body.outputs.size(); ++i)
    types.push_back(stacked(check, output_type(body, i), Dim::unknown(), 0));
  return types;
}

Types scan(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"states, scanned and taken values"});
  const Graph& body = *node.bodies[0];
  const std::size_t states = count_of(check, "states");
  const std::size_t scanned = count_of(check, "scanned");
  if (states + scanned > check.count() || scanned == 0) check.fail("states and scanned do not fit");
  require_inputs(check, body, check.count());
  if (body.outputs.size() < states) check.fail("its graph has too few outputs");
  const auto require_list = [&](std::string_view attribute, std::size_t length) {
    auto list = check.integers_of(attribute);
    if (!list.empty() && list.size() != length) check.fail(std::string(attribute) + " has another length");
    return list;
  };
  const auto input_axes = require_list("input_axes", scanned);
  require_list("input_directions", scanned);
  const auto output_axes = require_list("output_axes", body.outputs.size() - states);
  require_list("output_directions", body.outputs.size() - states);
  Dim length = Dim::unknown();
  for (std::size_t i = 0; i < scanned; ++i) {
    const auto& type = check.type(states + i);
    if (!type.ranked) continue;
    const auto axis = check.axis(item_or(input_axes, i, 0), type.dims.size());
    check.require_equal(states + i, axis, length, "the other scanned inputs");
    if (length.is_symbolic()) length = type.dims[axis];
  }
  Types types;
  for (std::size_t i = 0; i < states; ++i) types.push_back(either(check.type(i), output_type(body, i)));
  for (std::size_t i = states; i < body.outputs.size(); ++i)
    types.push_back(stacked(check, output_type(body, i), length, item_or(output_axes, i - states, 0)));
  return types;
}

}  // namespace lathe::shape_rules
