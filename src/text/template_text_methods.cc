// Methods of text, as Python's str has them.
#include <algorithm>
#include <functional>

#include "text/template_format.h"
#include "text/template_library.h"
#include "text/template_machine.h"
#include "text/template_operators.h"
#include "text/template_print.h"
#include "text/template_text.h"
#include "text/utf8.h"

namespace lathe::jinja {
namespace {

template <std::string (*change)(std::string_view)>
Value changed(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "method", arguments, {});
  return machine.text_like(self, change(self.text()));
}

template <bool left, bool right>
Value stripped(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "strip", arguments, {"chars"});
  if (!bound.at(0) || bound.at(0)->is<None>())
    return machine.text_like(self, std::string(strip(self.text(), left, right, is_space)));
  const auto chars = runes_of(bound.text(0, ""));
  const auto drop = [&](char32_t rune) { return std::find(chars.begin(), chars.end(), rune) != chars.end(); };
  return machine.text_like(self, std::string(strip(self.text(), left, right, drop)));
}

/// Every character fits, and there is one.
template <bool (*fits)(char32_t)>
Value all_are(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "method", arguments, {});
  const auto runes = runes_of(self.text());
  return Value(!runes.empty() && std::all_of(runes.begin(), runes.end(), fits));
}
bool is_digit(char32_t rune) { return rune >= '0' && rune <= '9'; }
bool is_alnum(char32_t rune) { return is_letter(rune) || is_numeral(rune); }

template <bool capital>
Value in_case(Machine& machine, const Value& self, const Arguments& arguments) {
  return Value(find_test(capital ? "upper" : "lower")(machine, self, arguments));
}

/// The part of `self` that start and end, the arguments behind the first, choose; `offset`: characters before
/// it.
std::string_view part_of(const Value& self, const Bound& bound, std::int64_t& offset) {
  const std::string_view text = self.text();
  const std::int64_t size = length_of(text);
  const auto limit = [&](std::size_t i, std::int64_t fallback) {
    if (!bound.at(i) || bound.at(i)->is<None>()) return fallback;
    const std::int64_t given = bound.integer(i, 0);
    return given < 0 ? std::max<std::int64_t>(0, given < -size ? 0 : given + size) : given;
  };
  offset = limit(1, 0);
  const std::int64_t end = std::min(limit(2, size), size);
  if (offset > end) return std::string_view(nullptr, 0);  // not even the empty text is in there
  std::size_t from = 0;
  for (std::int64_t i = 0; i < offset; ++i) from += rune_at(text, from).length;
  std::size_t to = from;
  for (std::int64_t i = offset; i < end; ++i) to += rune_at(text, to).length;
  return text.substr(from, to - from);
}

template <bool at_end>
Value affixed(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, at_end ? "endswith" : "startswith", arguments, {"affix", "start", "end"}, 1);
  std::int64_t offset = 0;
  const std::string_view text = part_of(self, bound, offset);
  if (!text.data()) return Value(false);
  const auto has = [&](const Value& affix) {
    if (!affix.is_text()) machine.fail("startswith and endswith need text or a tuple of texts");
    machine.charge(affix.text().size());
    return at_end ? text.ends_with(affix.text()) : text.starts_with(affix.text());
  };
  const List* list = bound.at(0)->list();
  if (!list || list->kind != ListKind::tuple) return Value(has(*bound.at(0)));
  return Value(std::any_of(list->items.begin(), list->items.end(), has));
}

template <bool from_right, bool must>
Value found(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "find", arguments, {"sub", "start", "end"}, 1);
  machine.charge(self.text().size());
  const std::string_view sub = bound.text(0, "");
  std::int64_t offset = 0;
  const std::string_view text = part_of(self, bound, offset);
  const std::size_t at = !text.data() ? text.npos : from_right ? text.rfind(sub) : text.find(sub);
  if (at != text.npos) return Value(offset + length_of(text.substr(0, at)));
  if (must) machine.fail("substring not found");
  return Value(std::int64_t{-1});
}

Value counted(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "count", arguments, {"sub", "start", "end"}, 1);
  machine.charge(self.text().size());
  const std::string_view sub = bound.text(0, "");
  std::int64_t offset = 0;
  const std::string_view text = part_of(self, bound, offset);
  if (!text.data()) return Value(std::int64_t{0});
  if (sub.empty()) return Value(length_of(text) + 1);
  std::int64_t count = 0;
  for (std::size_t at = text.find(sub); at != text.npos; at = text.find(sub, at + sub.size())) ++count;
  return Value(count);
}

Value replaced(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "replace", arguments, {"old", "new", "count"}, 2);
  machine.charge(self.text().size());
  const std::string with =
      self.is_markup() ? print_escaped(machine, *bound.at(1)) : std::string(bound.text(1, ""));
  return machine.text_like(self, replace(self.text(), bound.text(0, ""), with, bound.integer(2, -1),
                                         machine.limits().output_bytes));
}

Value list_of(Machine& machine, const Value& self, const std::vector<std::string_view>& parts,
              bool reversed = false) {
  std::vector<Value> out;
  out.reserve(parts.size());
  for (const std::string_view part : parts) out.push_back(machine.text_like(self, std::string(part)));
  if (reversed) std::reverse(out.begin(), out.end());
  return machine.list(std::move(out));
}

/// Parts between runs of white space; with a limit the rest stays whole.
std::vector<std::string_view> split_spaces(std::string_view text, std::int64_t most, bool from_right) {
  std::vector<std::string_view> parts;
  text = strip(text, !from_right, from_right, is_space);
  while (!text.empty()) {
    if (most >= 0 && static_cast<std::int64_t>(parts.size()) == most) {
      parts.push_back(text);
      break;
    }
    const auto is_other = [](char32_t rune) { return !is_space(rune); };
    const std::string_view rest = strip(text, !from_right, from_right, is_other);
    parts.push_back(from_right ? text.substr(rest.size()) : text.substr(0, text.size() - rest.size()));
    text = strip(rest, !from_right, from_right, is_space);
  }
  return parts;
}

template <bool from_right>
Value split(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "split", arguments, {"sep", "maxsplit"});
  std::string_view text = self.text();
  machine.charge(text.size());
  const std::int64_t most = bound.integer(1, -1);
  if (!bound.at(0) || bound.at(0)->is<None>())
    return list_of(machine, self, split_spaces(text, most, from_right), from_right);
  const std::string_view between = bound.text(0, "");
  if (between.empty()) machine.fail("empty separator");
  std::vector<std::string_view> parts;
  while (most < 0 || static_cast<std::int64_t>(parts.size()) < most) {
    const std::size_t at = from_right ? text.rfind(between) : text.find(between);
    if (at == text.npos) break;
    const std::string_view behind = text.substr(at + between.size());
    parts.push_back(from_right ? behind : text.substr(0, at));
    text = from_right ? text.substr(0, at) : behind;
  }
  parts.push_back(text);
  return list_of(machine, self, parts, from_right);
}

template <bool from_right>
Value partition(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "partition", arguments, {"sep"}, 1);
  const std::string_view text = self.text();
  const std::string_view between = bound.text(0, "");
  if (between.empty()) machine.fail("empty separator");
  const std::size_t at = from_right ? text.rfind(between) : text.find(between);
  const auto make = [&](std::string_view part) { return machine.text_like(self, std::string(part)); };
  std::vector<Value> parts;
  if (at != text.npos) {
    parts = {make(text.substr(0, at)), make(between), make(text.substr(at + between.size()))};
  } else if (from_right) {
    parts = {make(""), make(""), make(text)};
  } else {
    parts = {make(text), make(""), make("")};
  }
  return machine.list(std::move(parts), ListKind::tuple);
}

Value formatted(Machine& machine, const Value& self, const Arguments& arguments) {
  return machine.text_like(self, format_braces(machine, self.text(), arguments, self.is_markup()));
}

Value splitlines(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "splitlines", arguments, {"keepends"});
  if (bound.flag(0, false)) machine.fail("splitlines() with keepends is not supported");
  return list_of(machine, self, split_lines(self.text()));
}

Value joined(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "join", arguments, {"iterable"}, 1);
  std::string out;
  bool first = true;
  require_defined(machine, *bound.at(0));
  for (const Value& item : iterate(machine, *bound.at(0))) {
    if (!item.is_text() && !self.is_markup())
      machine.fail("join() needs texts, not " + std::string(type_of(item)));
    const std::string text = self.is_markup() ? print_escaped(machine, item) : std::string(item.text());
    machine.charge(text.size() + self.text().size());
    if (!first) out += self.text();
    out += text;
    first = false;
  }
  return machine.text_like(self, std::move(out));
}

template <bool at_end>
Value without(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "removeprefix", arguments, {"affix"}, 1);
  std::string_view text = self.text();
  const std::string_view affix = bound.text(0, "");
  if (at_end && text.ends_with(affix)) text.remove_suffix(affix.size());
  if (!at_end && text.starts_with(affix)) text.remove_prefix(affix.size());
  return machine.text_like(self, std::string(text));
}

template <bool to_left>
Value justified(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "ljust", arguments, {"width", "fillchar"}, 1);
  const std::string fill =
      self.is_markup() ? escape_html(bound.text(1, " ")) : std::string(bound.text(1, " "));
  if (length_of(fill) != 1) machine.fail("the fill character must be exactly one character long");
  const std::int64_t missing = std::max<std::int64_t>(0, bound.integer(0, 0) - length_of(self.text()));
  machine.charge(static_cast<std::size_t>(missing) * fill.size());
  std::string padding;
  for (std::int64_t i = 0; i < missing; ++i) padding += fill;
  return machine.text_like(self,
                           to_left ? std::string(self.text()) + padding : padding + std::string(self.text()));
}

Value zero_filled(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "zfill", arguments, {"width"}, 1);
  std::string text(self.text());
  const std::int64_t missing = std::max<std::int64_t>(0, bound.integer(0, 0) - length_of(text));
  machine.charge(static_cast<std::size_t>(missing));
  const bool sign = text.starts_with('-') || text.starts_with('+');
  text.insert(sign ? 1 : 0, static_cast<std::size_t>(missing), '0');
  return machine.text_like(self, std::move(text));
}

constexpr auto kMethods = std::to_array<NamedFilter>({
    {"capitalize", changed<capitalize>},
    {"count", counted},
    {"endswith", affixed<true>},
    {"find", found<false, false>},
    {"format", formatted},
    {"index", found<false, true>},
    {"isalnum", all_are<is_alnum>},
    {"isalpha", all_are<is_letter>},
    {"isdigit", all_are<is_digit>},
    {"islower", in_case<false>},
    {"isnumeric", all_are<is_numeral>},
    {"isspace", all_are<is_space>},
    {"isupper", in_case<true>},
    {"join", joined},
    {"ljust", justified<true>},
    {"lower", changed<lower>},
    {"lstrip", stripped<true, false>},
    {"partition", partition<false>},
    {"removeprefix", without<false>},
    {"removesuffix", without<true>},
    {"replace", replaced},
    {"rfind", found<true, false>},
    {"rindex", found<true, true>},
    {"rjust", justified<false>},
    {"rpartition", partition<true>},
    {"rsplit", split<true>},
    {"rstrip", stripped<false, true>},
    {"split", split<false>},
    {"splitlines", splitlines},
    {"startswith", affixed<false>},
    {"strip", stripped<true, true>},
    {"title", changed<title>},
    {"upper", changed<upper>},
    {"zfill", zero_filled},
});

}  // namespace

Method find_text_method(std::string_view name) {
  for (const auto& [known, method] : kMethods) {
    if (known == name) return method;
  }
  return nullptr;
}

}  // namespace lathe::jinja
