// Arithmetic and comparison.
#include "text/template_operators.h"

#include <algorithm>
#include <cmath>

#include "text/template_format.h"
#include "text/template_machine.h"
#include "text/template_print.h"

namespace lathe::jinja {
namespace {

[[noreturn]] void unsupported(Machine& machine, const char* sign, const Value& a, const Value& b) {
  require_defined(machine, a);
  require_defined(machine, b);
  machine.fail("unsupported operand types for " + std::string(sign) + ": '" + std::string(type_of(a)) +
               "' and '" + std::string(type_of(b)) + "'");
}

struct Integers {
  std::int64_t a, b;
};
std::optional<Integers> integers(const Value& a, const Value& b) {
  const auto x = as_integer(a);
  const auto y = as_integer(b);
  if (!x || !y) return std::nullopt;
  return Integers{*x, *y};
}

struct Floats {
  double a, b;
};
Floats floats(Machine& machine, const char* sign, const Value& a, const Value& b) {
  const auto x = as_float(a);
  const auto y = as_float(b);
  if (!x || !y) unsupported(machine, sign, a, b);
  return {*x, *y};
}

[[noreturn]] void overflow(Machine& machine) { machine.fail("integer beyond 64 bits"); }

Value repeat(Machine& machine, const Value& value, std::int64_t count) {
  const auto times = static_cast<std::size_t>(std::max<std::int64_t>(count, 0));
  const std::size_t size = value.is_text() ? value.text().size() : 32 * value.list()->items.size();
  // Paid before it is made.
  if (size > 0 && times > machine.limits().output_bytes / size) machine.charge(~std::size_t{0});
  machine.charge(size * times);
  if (value.is_text()) {
    std::string out;
    for (std::size_t i = 0; i < times && size > 0; ++i) out += value.text();
    return machine.text_like(value, std::move(out));
  }
  std::vector<Value> items;
  for (std::size_t i = 0; i < times && size > 0; ++i)
    items.insert(items.end(), value.list()->items.begin(), value.list()->items.end());
  return machine.list(std::move(items), value.list()->kind);
}

bool repeatable(const Value& value) {
  const List* list = value.list();
  return value.is_text() || (list && (list->kind == ListKind::list || list->kind == ListKind::tuple));
}

/// Less than zero, zero, more than zero; empty for values that are not ordered, as NaN.
std::optional<int> order(Machine& machine, const char* sign, const Value& a, const Value& b) {
  machine.charge(16);
  if (a.is_number() && b.is_number()) {
    if (const auto both = integers(a, b)) return both->a < both->b ? -1 : both->a > both->b;
    const auto [x, y] = floats(machine, sign, a, b);
    if (std::isnan(x) || std::isnan(y)) return std::nullopt;
    return x < y ? -1 : x > y;
  }
  if (a.is_text() && b.is_text()) {
    machine.charge(std::min(a.text().size(), b.text().size()));
    return a.text().compare(b.text());
  }
  const List* x = a.list();
  const List* y = b.list();
  if (!x || !y || x->kind != y->kind || !repeatable(a)) unsupported(machine, sign, a, b);
  for (std::size_t i = 0; i < std::min(x->items.size(), y->items.size()); ++i) {
    if (!equal(machine, x->items[i], y->items[i])) return order(machine, sign, x->items[i], y->items[i]);
  }
  return x->items.size() < y->items.size() ? -1 : x->items.size() > y->items.size();
}

bool equal_lists(Machine& machine, const List& a, const List& b) {
  if (&a == &b) return true;
  if (a.kind != b.kind || a.items.size() != b.items.size()) return false;
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!equal(machine, a.items[i], b.items[i])) return false;
  }
  return true;
}

bool equal_dicts(Machine& machine, const Dict& a, const Dict& b) {
  if (&a == &b) return true;
  if (a.items.size() != b.items.size()) return false;
  return std::all_of(a.items.begin(), a.items.end(), [&](const auto& item) {
    const Value* other = find_entry(machine, b, item.first);
    return other && equal(machine, item.second, *other);
  });
}

}  // namespace

Value add(Machine& machine, const Value& a, const Value& b) {
  if (a.is_text() && b.is_text()) {
    machine.charge(a.text().size() + b.text().size());
    if (a.is_markup() || b.is_markup())
      return machine.markup(print_escaped(machine, a) + print_escaped(machine, b));
    return machine.text(std::string(a.text()).append(b.text()));
  }
  if (const auto both = integers(a, b)) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(both->a, both->b, &sum)) overflow(machine);
    return Value(sum);
  }
  if (a.list() && b.list() && a.list()->kind == b.list()->kind && repeatable(a)) {
    machine.charge(32 * (a.list()->items.size() + b.list()->items.size()));
    std::vector<Value> items = a.list()->items;
    items.insert(items.end(), b.list()->items.begin(), b.list()->items.end());
    return machine.list(std::move(items), a.list()->kind);
  }
  const auto [x, y] = floats(machine, "+", a, b);
  return Value(x + y);
}

Value subtract(Machine& machine, const Value& a, const Value& b) {
  if (const auto both = integers(a, b)) {
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(both->a, both->b, &difference)) overflow(machine);
    return Value(difference);
  }
  const auto [x, y] = floats(machine, "-", a, b);
  return Value(x - y);
}

Value multiply(Machine& machine, const Value& a, const Value& b) {
  if (const auto both = integers(a, b)) {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(both->a, both->b, &product)) overflow(machine);
    return Value(product);
  }
  if (repeatable(a) && as_integer(b)) return repeat(machine, a, *as_integer(b));
  if (repeatable(b) && as_integer(a)) return repeat(machine, b, *as_integer(a));
  const auto [x, y] = floats(machine, "*", a, b);
  return Value(x * y);
}

Value divide(Machine& machine, const Value& a, const Value& b) {
  const auto [x, y] = floats(machine, "/", a, b);
  if (y == 0) machine.fail("division by zero");
  return Value(x / y);
}

Value floor_divide(Machine& machine, const Value& a, const Value& b) {
  if (const auto both = integers(a, b)) {
    if (both->b == 0) machine.fail("division by zero");
    if (both->b == -1) return negate(machine, Value(both->a));
    const std::int64_t quotient = both->a / both->b;
    return Value(quotient - ((both->a % both->b != 0 && (both->a < 0) != (both->b < 0)) ? 1 : 0));
  }
  const auto [x, y] = floats(machine, "//", a, b);
  if (y == 0) machine.fail("division by zero");
  return Value(std::floor(x / y));
}

Value modulo(Machine& machine, const Value& a, const Value& b) {
  if (a.is_text()) return machine.text_like(a, format_percent(machine, a.text(), b, a.is_markup()));
  if (const auto both = integers(a, b)) {
    if (both->b == 0) machine.fail("division by zero");
    if (both->b == -1) return Value(std::int64_t{0});
    const std::int64_t rest = both->a % both->b;
    return Value(rest != 0 && (rest < 0) != (both->b < 0) ? rest + both->b : rest);
  }
  const auto [x, y] = floats(machine, "%", a, b);
  if (y == 0) machine.fail("division by zero");
  const double rest = std::fmod(x, y);
  return Value(rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest);
}

Value power(Machine& machine, const Value& a, const Value& b) {
  if (const auto both = integers(a, b); both && both->b >= 0) {
    std::int64_t result = 1;
    if (both->a == 0 || both->a == 1) return Value(both->b == 0 ? std::int64_t{1} : both->a);
    if (both->a == -1) return Value(std::int64_t{both->b % 2 ? -1 : 1});
    for (std::int64_t i = 0; i < both->b; ++i) {  // at most 63 rounds: the base is 2 or more
      if (__builtin_mul_overflow(result, both->a, &result)) overflow(machine);
    }
    return Value(result);
  }
  const auto [x, y] = floats(machine, "**", a, b);
  if (x == 0 && y < 0) machine.fail("0.0 cannot be raised to a negative power");
  if (x < 0 && y != std::floor(y)) machine.fail("a power that is not a real number");
  const double result = std::pow(x, y);
  if (std::isinf(result) && !std::isinf(x) && !std::isinf(y)) machine.fail("a power that is too large");
  return Value(result);
}

Value negate(Machine& machine, const Value& a) {
  if (const auto number = as_integer(a)) return subtract(machine, Value(std::int64_t{0}), Value(*number));
  if (const auto* number = a.get<double>()) return Value(-*number);
  unsupported(machine, "-", a, a);
}

Value plus(Machine& machine, const Value& a) {
  if (const auto number = as_integer(a)) return Value(*number);
  if (a.is<double>()) return a;
  unsupported(machine, "+", a, a);
}

Value logical_not(Machine&, const Value& a) { return Value(!truthy(a)); }

bool equal(Machine& machine, const Value& a, const Value& b) {
  machine.charge(16);
  if (a.is_number() && b.is_number()) {
    if (const auto both = integers(a, b)) return both->a == both->b;
    return *as_float(a) == *as_float(b);
  }
  if (a.is_text() && b.is_text()) {
    if (a.text().size() == b.text().size()) machine.charge(a.text().size());
    return a.text() == b.text();
  }
  if (a.list() && b.list()) return equal_lists(machine, *a.list(), *b.list());
  if (a.dict() && b.dict()) return equal_dicts(machine, *a.dict(), *b.dict());
  if (a.object() && b.object()) return a.object() == b.object();
  return (a.is<None>() && b.is<None>()) || (a.is<Undefined>() && b.is<Undefined>());
}

bool not_equal(Machine& machine, const Value& a, const Value& b) { return !equal(machine, a, b); }

bool less(Machine& machine, const Value& a, const Value& b) {
  const auto result = order(machine, "<", a, b);
  return result && *result < 0;
}
bool less_equal(Machine& machine, const Value& a, const Value& b) {
  const auto result = order(machine, "<=", a, b);
  return result && *result <= 0;
}
bool greater(Machine& machine, const Value& a, const Value& b) {
  const auto result = order(machine, ">", a, b);
  return result && *result > 0;
}
bool greater_equal(Machine& machine, const Value& a, const Value& b) {
  const auto result = order(machine, ">=", a, b);
  return result && *result >= 0;
}

bool is_in(Machine& machine, const Value& item, const Value& container) {
  if (container.is_text()) {
    if (!item.is_text()) machine.fail("'in <string>' requires string, not " + std::string(type_of(item)));
    machine.charge(container.text().size());
    return container.text().find(item.text()) != std::string_view::npos;
  }
  if (const Dict* dict = container.dict()) return find_entry(machine, *dict, item) != nullptr;
  const std::vector<Value> items = iterate(machine, container);
  return std::any_of(items.begin(), items.end(),
                     [&](const Value& other) { return equal(machine, item, other); });
}
bool is_not_in(Machine& machine, const Value& item, const Value& container) {
  return !is_in(machine, item, container);
}

std::optional<std::int64_t> as_integer(const Value& value) {
  if (const auto* flag = value.get<bool>()) return *flag ? 1 : 0;
  if (const auto* number = value.get<std::int64_t>()) return *number;
  return std::nullopt;
}

std::optional<double> as_float(const Value& value) {
  if (const auto* number = value.get<double>()) return *number;
  if (const auto number = as_integer(value)) return static_cast<double>(*number);
  return std::nullopt;
}

}  // namespace lathe::jinja
