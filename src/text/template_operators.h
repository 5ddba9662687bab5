// Operators of expressions, with Python's meaning and the machine's bounds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "text/template_value.h"

namespace lathe::jinja {

Value add(Machine& machine, const Value& a, const Value& b);
Value subtract(Machine& machine, const Value& a, const Value& b);
Value multiply(Machine& machine, const Value& a, const Value& b);
Value divide(Machine& machine, const Value& a, const Value& b);
Value floor_divide(Machine& machine, const Value& a, const Value& b);
Value modulo(Machine& machine, const Value& a, const Value& b);
Value power(Machine& machine, const Value& a, const Value& b);
Value negate(Machine& machine, const Value& a);
Value plus(Machine& machine, const Value& a);
Value logical_not(Machine& machine, const Value& a);

bool equal(Machine& machine, const Value& a, const Value& b);
bool not_equal(Machine& machine, const Value& a, const Value& b);
bool less(Machine& machine, const Value& a, const Value& b);
bool less_equal(Machine& machine, const Value& a, const Value& b);
bool greater(Machine& machine, const Value& a, const Value& b);
bool greater_equal(Machine& machine, const Value& a, const Value& b);
bool is_in(Machine& machine, const Value& item, const Value& container);
bool is_not_in(Machine& machine, const Value& item, const Value& container);

/// a.name: methods first, then items. a[key]: items first, then methods. Undefined where there is neither.
Value attribute_of(Machine& machine, const Value& value, std::string_view name);
Value item_of(Machine& machine, const Value& value, const Value& key);
Value slice_of(Machine& machine, const Value& value, const Value& begin, const Value& end,
               const Value& stride);
Value call_value(Machine& machine, const Value& callee, const Arguments& arguments);

/// What a loop over the value sees; fails for what cannot be iterated.
std::vector<Value> iterate(Machine& machine, const Value& value);
std::optional<std::int64_t> size_of(Machine& machine, const Value& value);

std::optional<std::int64_t> as_integer(const Value& value);  // bool is a number, too
std::optional<double> as_float(const Value& value);

/// The entry of `key`, or nullptr.
const Value* find_entry(Machine& machine, const Dict& dict, const Value& key);
/// Later values of equal keys replace earlier ones.
Value make_dict(Machine& machine, std::vector<std::pair<Value, Value>> items);

/// Fails if `value` is undefined, naming it.
void require_defined(Machine& machine, const Value& value);

}  // namespace lathe::jinja
