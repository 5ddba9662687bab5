// Filters over lists and dicts.
#include <algorithm>

#include "text/template_library.h"
#include "text/template_machine.h"
#include "text/template_operators.h"
#include "text/template_print.h"
#include "text/template_text.h"

namespace lathe::jinja {
namespace {

Value iterator(Machine& machine, std::vector<Value> items) {
  return machine.list(std::move(items), ListKind::iterator);
}

/// "a.b.0": each part an item or an attribute.
Value by_path(Machine& machine, const Value& item, const Value& path, const Value* fallback = nullptr) {
  const auto get = [&](const Value& from, const Value& key) {
    Value found = item_of(machine, from, key);
    return found.is<Undefined>() && fallback ? *fallback : found;
  };
  if (!path.is_text()) return get(item, path);
  Value value = item;
  std::string_view rest = path.text();
  while (true) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view part = rest.substr(0, dot);
    const bool number = !part.empty() && part.find_first_not_of("0123456789") == part.npos;
    const auto index = number ? parse_integer(part) : std::nullopt;
    value = get(value, index ? Value(*index) : machine.text(std::string(part)));
    if (dot == rest.size()) return value;
    rest.remove_prefix(dot + 1);
  }
}

Value folded(Machine& machine, const Value& value) {
  return value.is_text() ? machine.text(lower(value.text())) : value;
}

struct Keyed {
  Value key, item;
};

/// Items with what they are compared by.
std::vector<Keyed> keyed(Machine& machine, const Value& value, const Value* attribute, bool case_sensitive) {
  std::vector<Keyed> out;
  for (Value& item : iterate(machine, value)) {
    Value key = attribute && !attribute->is<None>() ? by_path(machine, item, *attribute) : item;
    if (!case_sensitive) key = folded(machine, key);
    out.push_back({std::move(key), std::move(item)});
  }
  return out;
}

void sort_keyed(Machine& machine, std::vector<Keyed>& items, bool reverse) {
  std::stable_sort(items.begin(), items.end(), [&](const Keyed& a, const Keyed& b) {
    return reverse ? less(machine, b.key, a.key) : less(machine, a.key, b.key);
  });
}

std::vector<Value> items_of(std::vector<Keyed> pairs) {
  std::vector<Value> out;
  out.reserve(pairs.size());
  for (Keyed& pair : pairs) out.push_back(std::move(pair.item));
  return out;
}

Value filter_length(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "length", arguments, {});
  const auto size = size_of(machine, value);
  if (!size) machine.fail("object of type '" + std::string(type_of(value)) + "' has no len()");
  return Value(*size);
}

Value filter_default(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "default", arguments, {"default_value", "boolean"});
  if (!value.is<Undefined>() && !(bound.flag(1, false) && !truthy(value))) return value;
  return bound.at(0) ? *bound.at(0) : machine.text("");
}

Value filter_first(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "first", arguments, {});
  const auto items = iterate(machine, value);
  return items.empty() ? Value(Undefined{"the first item"}) : items.front();
}

Value filter_last(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "last", arguments, {});
  if (value.list() && value.list()->kind == ListKind::iterator) machine.fail("a generator is not reversible");
  const auto items = iterate(machine, value);
  if (items.empty()) return Value(Undefined{"the last item"});
  return value.is_markup() ? machine.markup(std::string(items.back().text())) : items.back();
}

Value filter_list(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "list", arguments, {});
  return machine.list(iterate(machine, value));
}

Value filter_join(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "join", arguments, {"d", "attribute"});
  const std::string between = bound.at(0) ? print(machine, *bound.at(0)) : "";
  std::string out;
  bool first = true;
  for (const Value& item : iterate(machine, value)) {
    const bool by_attribute = bound.at(1) && !bound.at(1)->is<None>();
    const std::string part = print(machine, by_attribute ? by_path(machine, item, *bound.at(1)) : item);
    machine.charge(part.size() + between.size());
    if (!first) out += between;
    out += part;
    first = false;
  }
  return machine.text(std::move(out));
}

Value filter_reverse(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "reverse", arguments, {});
  if (value.is_text()) {
    auto runes = runes_of(value.text());
    std::reverse(runes.begin(), runes.end());
    return machine.text_like(value, text_of(runes, 0, runes.size()));
  }
  auto items = iterate(machine, value);
  std::reverse(items.begin(), items.end());
  return iterator(machine, std::move(items));
}

Value filter_sort(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "sort", arguments, {"reverse", "case_sensitive", "attribute"});
  const Value* attribute = bound.at(2);
  auto items = keyed(machine, value, attribute, bound.flag(1, false));
  if (attribute && attribute->is_text() && attribute->text().find(',') != std::string_view::npos) {
    // Several attributes: compared in turn, as a list.
    for (Keyed& pair : items) {
      std::vector<Value> keys;
      std::string_view rest = attribute->text();
      for (bool more = true; more;) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        const Value key = by_path(machine, pair.item, machine.text(std::string(rest.substr(0, comma))));
        keys.push_back(bound.flag(1, false) ? key : folded(machine, key));
        more = comma < rest.size();
        if (more) rest.remove_prefix(comma + 1);
      }
      pair.key = machine.list(std::move(keys));
    }
  }
  sort_keyed(machine, items, bound.flag(0, false));
  return machine.list(items_of(std::move(items)));
}

Value filter_unique(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "unique", arguments, {"case_sensitive", "attribute"});
  std::vector<Keyed> kept;
  for (Keyed& pair : keyed(machine, value, bound.at(1), bound.flag(0, false))) {
    const bool seen = std::any_of(kept.begin(), kept.end(),
                                  [&](const Keyed& k) { return equal(machine, k.key, pair.key); });
    if (!seen) kept.push_back(std::move(pair));
  }
  return iterator(machine, items_of(std::move(kept)));
}

template <bool largest>
Value extreme(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, largest ? "max" : "min", arguments, {"case_sensitive", "attribute"});
  const auto items = keyed(machine, value, bound.at(1), bound.flag(0, false));
  if (items.empty()) return Value(Undefined{"the extreme of nothing"});
  const Keyed* best = &items.front();
  for (const Keyed& pair : items) {
    if (largest ? greater(machine, pair.key, best->key) : less(machine, pair.key, best->key)) best = &pair;
  }
  return best->item;
}

Value filter_sum(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "sum", arguments, {"attribute", "start"});
  Value total = bound.at(1) ? *bound.at(1) : Value(std::int64_t{0});
  if (total.is_text()) machine.fail("sum() can't sum strings");
  for (const Value& item : iterate(machine, value)) {
    const bool by_attribute = bound.at(0) && !bound.at(0)->is<None>();
    total = add(machine, total, by_attribute ? by_path(machine, item, *bound.at(0)) : item);
  }
  return total;
}

Value filter_items(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "items", arguments, {});
  std::vector<Value> out;
  if (value.is<Undefined>()) return iterator(machine, {});
  if (!value.dict()) machine.fail("can only get item pairs from a mapping");
  for (const auto& [key, item] : value.dict()->items)
    out.push_back(machine.list({key, item}, ListKind::tuple));
  return iterator(machine, std::move(out));
}

Value filter_dictsort(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "dictsort", arguments, {"case_sensitive", "by", "reverse"});
  const std::string_view by = bound.text(1, "key");
  if (by != "key" && by != "value") machine.fail("you can only sort by either \"key\" or \"value\"");
  require_defined(machine, value);
  if (!value.dict()) machine.fail("dictsort needs a mapping");
  std::vector<Keyed> pairs;
  for (const auto& [key, item] : value.dict()->items) {
    const Value& compared = by == "key" ? key : item;
    pairs.push_back({bound.flag(0, false) ? compared : folded(machine, compared),
                     machine.list({key, item}, ListKind::tuple)});
  }
  sort_keyed(machine, pairs, bound.flag(2, false));
  return machine.list(items_of(std::move(pairs)));
}

Value filter_map(Machine& machine, const Value& value, const Arguments& arguments) {
  if (!truthy(value)) return iterator(machine, {});  // none as well
  std::vector<Value> out;
  if (arguments.positional.empty()) {
    const Bound bound(machine, "map", arguments, {"attribute", "default"}, 1);
    const Value* fallback = bound.at(1) && !bound.at(1)->is<None>() ? bound.at(1) : nullptr;
    for (const Value& item : iterate(machine, value))
      out.push_back(by_path(machine, item, *bound.at(0), fallback));
    return iterator(machine, std::move(out));
  }
  const Value& name = arguments.positional.front();
  const Filter filter = name.is_text() ? find_filter(name.text()) : nullptr;
  if (!filter) machine.fail("no filter named '" + print(machine, name) + "'");
  const Arguments rest = {{arguments.positional.begin() + 1, arguments.positional.end()}, arguments.keywords};
  const Machine::Nesting nesting(machine, 4);  // a filter may be map again
  for (const Value& item : iterate(machine, value)) {
    machine.charge(256);
    out.push_back(filter(machine, item, rest));
  }
  return iterator(machine, std::move(out));
}

/// select, reject, selectattr, rejectattr: `by_attribute` takes the attribute's name first.
template <bool by_attribute, bool wanted>
Value chosen(Machine& machine, const Value& value, const Arguments& arguments) {
  constexpr std::size_t kFirst = by_attribute ? 1 : 0;
  if (!truthy(value)) return iterator(machine, {});  // none as well
  if (arguments.positional.size() < kFirst) machine.fail("missing parameter for attribute name");
  Test test = nullptr;
  Arguments rest;
  if (arguments.positional.size() > kFirst) {
    const Value& name = arguments.positional[kFirst];
    test = name.is_text() ? find_test(name.text()) : nullptr;
    if (!test) machine.fail("no test named '" + print(machine, name) + "'");
    rest.positional.assign(arguments.positional.begin() + kFirst + 1, arguments.positional.end());
    rest.keywords = arguments.keywords;
  }
  std::vector<Value> out;
  for (Value& item : iterate(machine, value)) {
    machine.charge(256);
    const Value compared = by_attribute ? by_path(machine, item, arguments.positional[0]) : item;
    if ((test ? test(machine, compared, rest) : truthy(compared)) == wanted) out.push_back(std::move(item));
  }
  return iterator(machine, std::move(out));
}

Value filter_batch(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "batch", arguments, {"linecount", "fill_with"}, 1);
  const std::int64_t size = bound.integer(0, 1);
  std::vector<Value> out;
  std::vector<Value> row;
  for (Value& item : iterate(machine, value)) {
    if (static_cast<std::int64_t>(row.size()) == size) out.push_back(machine.list(std::exchange(row, {})));
    row.push_back(std::move(item));
  }
  const bool fills = bound.at(1) && !bound.at(1)->is<None>() && !row.empty();
  while (fills && static_cast<std::int64_t>(row.size()) < size) {
    machine.charge(32);
    row.push_back(*bound.at(1));
  }
  if (!row.empty()) out.push_back(machine.list(std::move(row)));
  return iterator(machine, std::move(out));
}

Value filter_attr(Machine& machine, const Value& value, const Arguments& arguments) {
  const Bound bound(machine, "attr", arguments, {"name"}, 1);
  if (value.dict() && !find_method(value, bound.text(0, "")))
    return Value(Undefined{std::string(bound.text(0, ""))});
  return attribute_of(machine, value, bound.text(0, ""));
}

constexpr auto kFilters = std::to_array<NamedFilter>({
    {"attr", filter_attr},
    {"batch", filter_batch},
    {"count", filter_length},
    {"d", filter_default},
    {"default", filter_default},
    {"dictsort", filter_dictsort},
    {"first", filter_first},
    {"items", filter_items},
    {"join", filter_join},
    {"last", filter_last},
    {"length", filter_length},
    {"list", filter_list},
    {"map", filter_map},
    {"max", extreme<true>},
    {"min", extreme<false>},
    {"reject", chosen<false, false>},
    {"rejectattr", chosen<true, false>},
    {"reverse", filter_reverse},
    {"select", chosen<false, true>},
    {"selectattr", chosen<true, true>},
    {"sort", filter_sort},
    {"sum", filter_sum},
    {"unique", filter_unique},
});

}  // namespace

Filter find_list_filter(std::string_view name) {
  for (const auto& [known, filter] : kFilters) {
    if (known == name) return filter;
  }
  return nullptr;
}

}  // namespace lathe::jinja
