// Attributes, items, slices, iteration.
#include <algorithm>
#include <array>

#include "text/template_library.h"
#include "text/template_machine.h"
#include "text/template_operators.h"
#include "text/template_text.h"

namespace lathe::jinja {
namespace {

Value undefined(std::string_view name) { return Value(Undefined{std::string(name)}); }

/// Methods that would change the value: there, but not to be used, even where the dict has such a key.
bool changes(const Value& value, std::string_view name) {
  constexpr std::array<std::string_view, 5> kDict = {"clear", "pop", "popitem", "setdefault", "update"};
  return value.dict() && std::find(kDict.begin(), kDict.end(), name) != kDict.end();
}

std::optional<Value> method_of(Machine& machine, const Value& value, std::string_view name) {
  if (name.starts_with('_') || changes(value, name)) return std::nullopt;
  const Method method = find_method(value, name);
  if (!method) return std::nullopt;
  return bind_method(machine, value, name, method);
}

bool indexed(const Value& value) {
  const List* list = value.list();
  return list && list->kind != ListKind::view && list->kind != ListKind::iterator;
}

Value rune_value(Machine& machine, const Value& of, char32_t rune) {
  return machine.text_like(of, text_of({rune}, 0, 1));
}

Value nth(Machine& machine, const Value& value, std::int64_t index) {
  if (value.is_text()) {
    machine.charge(value.text().size());
    const auto runes = runes_of(value.text());
    const auto size = static_cast<std::int64_t>(runes.size());
    if (index < -size || index >= size) return undefined("item");
    return rune_value(machine, value, runes[static_cast<std::size_t>(index < 0 ? index + size : index)]);
  }
  const auto& items = value.list()->items;
  const auto size = static_cast<std::int64_t>(items.size());
  if (index < -size || index >= size) return undefined("item");
  return items[static_cast<std::size_t>(index < 0 ? index + size : index)];
}

/// Python's rule for a slice of `size` items.
std::vector<std::size_t> slice_indices(Machine& machine, std::int64_t size, const Value& begin,
                                       const Value& end, const Value& stride) {
  const auto number = [&](const Value& value, std::int64_t fallback) {
    if (value.is<None>()) return fallback;
    const auto given = as_integer(value);
    if (!given) machine.fail("slice indices must be integers");
    return *given;
  };
  const std::int64_t step = number(stride, 1);
  if (step == 0) machine.fail("slice step cannot be zero");
  const std::int64_t low = step > 0 ? 0 : -1;
  const std::int64_t high = step > 0 ? size : size - 1;
  const auto bounded = [&](const Value& value, std::int64_t fallback) {
    if (value.is<None>()) return fallback;
    const std::int64_t given = number(value, 0);
    return std::clamp(given < 0 ? (given < -size ? low : given + size) : given, low, high);
  };
  const std::int64_t from = bounded(begin, step > 0 ? low : high);
  const std::int64_t to = bounded(end, step > 0 ? high : low);
  std::vector<std::size_t> indices;
  for (std::int64_t i = from; step > 0 ? i < to : i > to;) {
    indices.push_back(static_cast<std::size_t>(i));
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return indices;
}

}  // namespace

void require_defined(Machine& machine, const Value& value) {
  if (const auto* missing = value.get<Undefined>()) machine.fail("'" + missing->name + "' is undefined");
}

Value attribute_of(Machine& machine, const Value& value, std::string_view name) {
  require_defined(machine, value);
  if (name.starts_with("__") || changes(value, name)) return undefined(name);
  if (auto method = method_of(machine, value, name)) return *method;
  if (Object* object = value.object()) return object->attribute(machine, name);
  if (const Dict* dict = value.dict()) {
    if (const Value* found = find_entry(machine, *dict, machine.text(std::string(name)))) return *found;
  }
  return undefined(name);
}

Value item_of(Machine& machine, const Value& value, const Value& key) {
  require_defined(machine, value);
  if (const Dict* dict = value.dict()) {
    if (const Value* found = find_entry(machine, *dict, key)) return *found;
  } else if (const auto index = as_integer(key); index && (value.is_text() || indexed(value))) {
    return nth(machine, value, *index);
  }
  if (!key.is_text()) return undefined("item");
  if (Object* object = value.object()) return object->attribute(machine, key.text());
  if (auto method = method_of(machine, value, key.text())) return *method;
  return undefined(key.text());
}

Value slice_of(Machine& machine, const Value& value, const Value& begin, const Value& end,
               const Value& stride) {
  require_defined(machine, value);
  if (value.is_text()) {
    machine.charge(value.text().size());
    const auto runes = runes_of(value.text());
    std::vector<char32_t> cut;
    for (const std::size_t i :
         slice_indices(machine, static_cast<std::int64_t>(runes.size()), begin, end, stride))
      cut.push_back(runes[i]);
    return machine.text_like(value, text_of(cut, 0, cut.size()));
  }
  if (!indexed(value)) return undefined("slice");
  const auto& items = value.list()->items;
  machine.charge(8 * items.size());
  std::vector<Value> cut;
  for (const std::size_t i :
       slice_indices(machine, static_cast<std::int64_t>(items.size()), begin, end, stride))
    cut.push_back(items[i]);
  return machine.list(std::move(cut),
                      value.list()->kind == ListKind::tuple ? ListKind::tuple : ListKind::list);
}

Value call_value(Machine& machine, const Value& callee, const Arguments& arguments) {
  require_defined(machine, callee);
  if (Object* object = callee.object()) return object->call(machine, arguments);
  machine.fail("'" + std::string(type_of(callee)) + "' object is not callable");
}

std::vector<Value> iterate(Machine& machine, const Value& value) {
  std::vector<Value> items;
  if (value.is_text()) {
    machine.charge(16 * value.text().size());
    for (const char32_t rune : runes_of(value.text())) items.push_back(machine.text(text_of({rune}, 0, 1)));
  } else if (const auto* pointer = value.get<ListPointer>()) {
    List& list = **pointer;
    machine.charge(8 * list.items.size());
    if (list.kind == ListKind::iterator) {
      if (list.consumed) return {};
      list.consumed = true;
    }
    items = list.items;
  } else if (const Dict* dict = value.dict()) {
    machine.charge(8 * dict->items.size());
    for (const auto& [key, item] : dict->items) items.push_back(key);
  } else if (!value.is<Undefined>()) {
    machine.fail("'" + std::string(type_of(value)) + "' object is not iterable");
  }
  return items;
}

std::optional<std::int64_t> size_of(Machine& machine, const Value& value) {
  if (value.is_text()) {
    machine.charge(value.text().size());
    return length_of(value.text());
  }
  if (const List* list = value.list(); list && list->kind != ListKind::iterator)
    return static_cast<std::int64_t>(list->items.size());
  if (const Dict* dict = value.dict()) return static_cast<std::int64_t>(dict->items.size());
  if (value.is<Undefined>()) return 0;
  return std::nullopt;
}

const Value* find_entry(Machine& machine, const Dict& dict, const Value& key) {
  machine.charge(1 + dict.items.size());
  for (const auto& [known, value] : dict.items) {
    if (known.is_text() && key.is_text() ? known.text() == key.text()
                                         : known.is_text() == key.is_text() && equal(machine, known, key))
      return &value;
  }
  return nullptr;
}

Value make_dict(Machine& machine, std::vector<std::pair<Value, Value>> items) {
  std::vector<std::pair<Value, Value>> unique;
  for (auto& item : items) {
    Value& key = item.first;
    Value& value = item.second;
    if ((key.list() && key.list()->kind == ListKind::list) || key.dict())
      machine.fail("unhashable type: '" + std::string(type_of(key)) + "'");
    machine.charge(unique.size());
    const auto known = std::find_if(unique.begin(), unique.end(),
                                    [&](const auto& entry) { return equal(machine, entry.first, key); });
    if (known == unique.end()) {
      unique.emplace_back(std::move(key), std::move(value));
    } else {
      known->second = std::move(value);
    }
  }
  return machine.dict(std::move(unique));
}

}  // namespace lathe::jinja
