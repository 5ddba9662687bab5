// Tests: what stands behind "is".
#include "text/template_library.h"
#include "text/template_machine.h"
#include "text/template_operators.h"
#include "text/template_print.h"
#include "text/template_text.h"

namespace lathe::jinja {
namespace {

/// A test of the value alone.
template <bool (*holds)(const Value&)>
bool plain(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "test", arguments, {});
  return holds(value);
}

template <bool (*holds)(Machine&, const Value&, const Value&)>
bool compared(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "test", arguments, {"other"}, 1);
  return holds(machine, value, *bound.at(0));
}

template <bool capital>
bool in_case(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "test", arguments, {});
  const std::string text = print(machine, value);
  // Some letter has the case, and none has the other.
  const bool other = text != (capital ? upper(text) : lower(text));
  return !other && text != (capital ? lower(text) : upper(text));
}

template <int rest>
bool parity(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "test", arguments, {});
  return equal(machine, modulo(machine, value, Value(std::int64_t{2})), Value(std::int64_t{rest}));
}

bool divisible(Machine& machine, const Value& value, const Value& by) {
  return equal(machine, modulo(machine, value, by), Value(std::int64_t{0}));
}

bool same(Machine& machine, const Value& a, const Value& b) {
  if (a.list() || a.dict()) return a.list() == b.list() && a.dict() == b.dict();
  return type_of(a) == type_of(b) && equal(machine, a, b);
}

bool is_defined(const Value& value) { return !value.is<Undefined>(); }
bool is_undefined(const Value& value) { return value.is<Undefined>(); }
bool is_none(const Value& value) { return value.is<None>(); }
bool is_string(const Value& value) { return value.is_text(); }
bool is_escaped(const Value& value) { return value.is_markup(); }
bool is_mapping(const Value& value) { return value.dict() != nullptr; }
bool is_iterable(const Value& value) {
  return value.is_text() || value.list() || value.dict() || value.is<Undefined>() ||
         (value.object() && value.object()->type() == "LoopContext");
}
bool is_sequence(const Value& value) {
  const List* list = value.list();
  return value.is_text() || value.dict() || value.is<Undefined>() ||
         (list && list->kind != ListKind::view && list->kind != ListKind::iterator);
}
bool is_boolean(const Value& value) { return value.is<bool>(); }
bool is_integer(const Value& value) { return value.is<std::int64_t>(); }
bool is_float(const Value& value) { return value.is<double>(); }
bool is_true(const Value& value) { return value.get<bool>() && *value.get<bool>(); }
bool is_false(const Value& value) { return value.get<bool>() && !*value.get<bool>(); }
bool is_callable(const Value& value) {
  return value.is<Undefined>() || (value.object() && value.object()->callable());
}
bool is_number(const Value& value) { return value.is_number(); }

bool names_filter(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "filter", arguments, {});
  return value.is_text() && find_filter(value.text());
}
bool names_test(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "test", arguments, {});
  return value.is_text() && find_test(value.text());
}

constexpr auto kTests = std::to_array<NamedTest>({
    {"!=", compared<not_equal>},
    {"<", compared<less>},
    {"<=", compared<less_equal>},
    {"==", compared<equal>},
    {">", compared<greater>},
    {">=", compared<greater_equal>},
    {"boolean", plain<is_boolean>},
    {"callable", plain<is_callable>},
    {"defined", plain<is_defined>},
    {"divisibleby", compared<divisible>},
    {"eq", compared<equal>},
    {"equalto", compared<equal>},
    {"escaped", plain<is_escaped>},
    {"even", parity<0>},
    {"false", plain<is_false>},
    {"filter", names_filter},
    {"float", plain<is_float>},
    {"ge", compared<greater_equal>},
    {"greaterthan", compared<greater>},
    {"gt", compared<greater>},
    {"in", compared<is_in>},
    {"integer", plain<is_integer>},
    {"iterable", plain<is_iterable>},
    {"le", compared<less_equal>},
    {"lessthan", compared<less>},
    {"lower", in_case<false>},
    {"lt", compared<less>},
    {"mapping", plain<is_mapping>},
    {"ne", compared<not_equal>},
    {"none", plain<is_none>},
    {"number", plain<is_number>},
    {"odd", parity<1>},
    {"sameas", compared<same>},
    {"sequence", plain<is_sequence>},
    {"string", plain<is_string>},
    {"test", names_test},
    {"true", plain<is_true>},
    {"undefined", plain<is_undefined>},
    {"upper", in_case<true>},
});

}  // namespace

Test find_test(std::string_view name) {
  for (const auto& [known, test] : kTests) {
    if (known == name) return test;
  }
  return nullptr;
}

}  // namespace lathe::jinja
