// Filters that make text or numbers of one value.
#include <algorithm>
#include <array>
#include <cmath>

#include "text/template_format.h"
#include "text/template_library.h"
#include "text/template_machine.h"
#include "text/template_operators.h"
#include "text/template_print.h"
#include "text/template_text.h"

namespace lathe::jinja {
namespace {

template <std::string (*change)(std::string_view)>
Value changed(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "filter", arguments, {});
  return machine.text_like(value, change(print(machine, value)));
}

/// Jinja's own: words begin behind white space, '-' and opening brackets.
std::string title_words(std::string_view text) {
  std::string out;
  bool inside = false;
  for (const char32_t rune : runes_of(text)) {
    const std::string one = text_of({rune}, 0, 1);
    out += inside ? lower(one) : upper(one);
    inside = !(is_space(rune) || rune == '-' || rune == '(' || rune == '{' || rune == '[' || rune == '<');
  }
  return out;
}

Value filter_title(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "title", arguments, {});
  return machine.text(title_words(print(machine, value)));
}

Value filter_trim(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "trim", arguments, {"chars"});
  const std::string text = print(machine, value);
  if (!bound.at(0) || bound.at(0)->is<None>())
    return machine.text_like(value, std::string(strip(text, true, true, is_space)));
  const auto chars = runes_of(bound.text(0, ""));
  const auto drop = [&](char32_t rune) { return std::find(chars.begin(), chars.end(), rune) != chars.end(); };
  return machine.text_like(value, std::string(strip(text, true, true, drop)));
}

Value filter_string(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "string", arguments, {});
  return value.is_text() ? value : machine.text(print(machine, value));
}

Value filter_safe(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "safe", arguments, {});
  return machine.markup(print(machine, value));
}

Value filter_escape(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "escape", arguments, {});
  return machine.markup(print_escaped(machine, value));
}

Value filter_force_escape(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "forceescape", arguments, {});
  return machine.markup(escape_html(print(machine, value)));
}

Value filter_replace(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "replace", arguments, {"old", "new", "count"}, 2);
  const std::int64_t count = bound.at(2) && bound.at(2)->is<None>() ? -1 : bound.integer(2, -1);
  const std::string old = print(machine, *bound.at(0));
  const std::string with = print(machine, *bound.at(1));
  return machine.text(replace(print(machine, value), old, with, count, machine.limits().output_bytes));
}

Value filter_indent(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "indent", arguments, {"width", "first", "blank"});
  const bool by_text = bound.at(0) && bound.at(0)->is_text();
  const std::int64_t width = by_text ? 0 : std::max<std::int64_t>(0, bound.integer(0, 4));
  machine.charge(static_cast<std::size_t>(width));
  const std::string indent =
      by_text ? std::string(bound.text(0, "")) : std::string(static_cast<std::size_t>(width), ' ');
  if (!value.is_text() && !value.is<Undefined>()) machine.fail("indent needs text");
  require_defined(machine, value);
  const std::string text = std::string(value.text()) + "\n";
  std::string out = bound.flag(1, false) ? indent : "";
  bool first = true;
  for (const std::string_view line : split_lines(text)) {
    if (!first) out += '\n';
    if (!first && (bound.flag(2, false) || !line.empty())) out += indent;
    machine.charge(indent.size());
    out += line;
    first = false;
  }
  return machine.text_like(value, std::move(out));
}

Value filter_tojson(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ascii = bound.flag(0, false);
  if (bound.at(1) && !bound.at(1)->is<None>()) {
    if (bound.at(1)->is_text()) {
      style.indent = std::string(bound.text(1, ""));
    } else {
      const std::int64_t width = std::max<std::int64_t>(0, bound.integer(1, 0));
      machine.charge(static_cast<std::size_t>(width));
      style.indent = std::string(static_cast<std::size_t>(width), ' ');
    }
    style.item_separator = ",";
  }
  if (bound.at(2) && !bound.at(2)->is<None>()) {
    const List* pair = bound.at(2)->list();
    if (!pair || pair->items.size() != 2 || !pair->items[0].is_text() || !pair->items[1].is_text())
      machine.fail("separators are two texts");
    style.item_separator = pair->items[0].text();
    style.key_separator = pair->items[1].text();
  }
  style.sort_keys = bound.flag(3, false);
  return machine.text(print_json(machine, value, style));
}

std::optional<std::int64_t> whole(Machine& machine, double number) {
  if (std::isnan(number) || std::isinf(number)) return std::nullopt;
  if (std::abs(number) >= 9.2e18) machine.fail("integer beyond 64 bits");
  return static_cast<std::int64_t>(number);
}

Value filter_int(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "int", arguments, {"default", "base"});
  require_defined(machine, value);
  std::optional<std::int64_t> result = as_integer(value);
  if (const auto* number = value.get<double>()) {
    if (std::isinf(*number)) machine.fail("cannot convert float infinity to integer");
    result = whole(machine, *number);
  }
  if (value.is_text()) {
    result =
        parse_integer(value.text(), static_cast<int>(std::clamp<std::int64_t>(bound.integer(1, 10), 0, 37)));
    if (const auto number = parse_float(value.text()); !result && number) result = whole(machine, *number);
  }
  if (result) return Value(*result);
  return bound.at(0) ? *bound.at(0) : Value(std::int64_t{0});
}

Value filter_float(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "float", arguments, {"default"});
  require_defined(machine, value);
  const auto result = value.is_text() ? parse_float(value.text()) : as_float(value);
  if (result) return Value(*result);
  return bound.at(0) ? *bound.at(0) : Value(0.0);
}

Value filter_abs(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "abs", arguments, {});
  if (const auto* number = value.get<double>()) return Value(std::abs(*number));
  const auto number = as_integer(value);
  require_defined(machine, value);
  if (!number) machine.fail("bad operand type for abs(): '" + std::string(type_of(value)) + "'");
  return *number < 0 ? negate(machine, Value(*number)) : Value(*number);
}

Value filter_round(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "round", arguments, {"precision", "method"});
  const std::int64_t precision = std::clamp<std::int64_t>(bound.integer(0, 0), -300, 300);
  const std::string_view method = bound.text(1, "common");
  const auto number = as_float(value);
  require_defined(machine, value);
  if (!number) machine.fail("type " + std::string(type_of(value)) + " doesn't define __round__ method");
  const double scale = std::pow(10.0, static_cast<double>(precision));
  if (method == "ceil") return Value(std::ceil(*number * scale) / scale);
  if (method == "floor") return Value(std::floor(*number * scale) / scale);
  if (method != "common") machine.fail("method must be common, ceil or floor");
  if (as_integer(value) && precision >= 0) return Value(*as_integer(value));
  if (precision < 0) {
    const double rounded = std::nearbyint(*number * scale) / scale;
    if (as_integer(value)) return Value(*whole(machine, rounded));
    return Value(rounded);
  }
  // As Python: the decimal digits are those of the exact value, halves to even.
  const std::string digits =
      format_percent(machine, "%." + std::to_string(std::min<std::int64_t>(precision, 340)) + "f", value);
  return Value(parse_float(digits).value_or(*number));
}

Value filter_format(Machine& machine, const Value& value, const Arguments& arguments) {
  if (!arguments.positional.empty() && !arguments.keywords.empty())
    machine.fail("format takes arguments by position or by name, not both");
  std::vector<std::pair<Value, Value>> named;
  for (const auto& [name, item] : arguments.keywords) named.emplace_back(machine.text(name), item);
  const Value values = named.empty() ? machine.list(arguments.positional, ListKind::tuple)
                                     : make_dict(machine, std::move(named));
  return machine.text_like(value, format_percent(machine, print(machine, value), values, value.is_markup()));
}

Value filter_wordcount(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "wordcount", arguments, {});
  std::int64_t count = 0;
  bool inside = false;
  for (const char32_t rune : runes_of(print(machine, value))) {
    const bool word = is_word(rune);
    count += word && !inside;
    inside = word;
  }
  return Value(count);
}

Value filter_center(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "center", arguments, {"width"});
  const std::string text = print(machine, value);
  const std::int64_t missing = bound.integer(0, 80) - length_of(text);
  if (missing <= 0) return machine.text_like(value, text);
  machine.charge(static_cast<std::size_t>(missing));
  // Python gives the odd space to the left where the width is odd.
  const std::int64_t left = missing / 2 + (missing & bound.integer(0, 80) & 1);
  return machine.text_like(value, std::string(static_cast<std::size_t>(left), ' ') + text +
                                      std::string(static_cast<std::size_t>(missing - left), ' '));
}

constexpr auto kFilters = std::to_array<NamedFilter>({
    {"abs", filter_abs},
    {"capitalize", changed<capitalize>},
    {"center", filter_center},
    {"e", filter_escape},
    {"escape", filter_escape},
    {"float", filter_float},
    {"forceescape", filter_force_escape},
    {"format", filter_format},
    {"indent", filter_indent},
    {"int", filter_int},
    {"lower", changed<lower>},
    {"replace", filter_replace},
    {"round", filter_round},
    {"safe", filter_safe},
    {"string", filter_string},
    {"title", filter_title},
    {"tojson", filter_tojson},
    {"trim", filter_trim},
    {"upper", changed<upper>},
    {"wordcount", filter_wordcount},
});

}  // namespace

Filter find_text_filter(std::string_view name) {
  for (const auto& [known, filter] : kFilters) {
    if (known == name) return filter;
  }
  return nullptr;
}

}  // namespace lathe::jinja
