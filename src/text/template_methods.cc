// Methods of dicts and lists, and which methods a value has.
#include "text/template_library.h"
#include "text/template_machine.h"
#include "text/template_operators.h"

namespace lathe::jinja {
namespace {

using NamedMethod = NamedFilter;

Method find(std::span<const NamedMethod> methods, std::string_view name) {
  for (const auto& [known, method] : methods) {
    if (known == name) return method;
  }
  return nullptr;
}

Value dict_items(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "items", arguments, {});
  std::vector<Value> out;
  for (const auto& [key, value] : self.dict()->items)
    out.push_back(machine.list({key, value}, ListKind::tuple));
  return machine.list(std::move(out), ListKind::view, "dict_items(");
}

Value dict_keys(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "keys", arguments, {});
  std::vector<Value> out;
  for (const auto& [key, value] : self.dict()->items) out.push_back(key);
  return machine.list(std::move(out), ListKind::view, "dict_keys(");
}

Value dict_values(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "values", arguments, {});
  std::vector<Value> out;
  for (const auto& [key, value] : self.dict()->items) out.push_back(value);
  return machine.list(std::move(out), ListKind::view, "dict_values(");
}

Value dict_get(Machine& machine, const Value& self, const Arguments& arguments) {
  if (!arguments.keywords.empty()) machine.fail("get() takes no keyword arguments");
  const Bound bound(machine, "get", arguments, {"key", "default"}, 1);
  if (const Value* found = find_entry(machine, *self.dict(), *bound.at(0))) return *found;
  return bound.at(1) ? *bound.at(1) : Value(None{});
}

Value dict_copy(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "copy", arguments, {});
  return self;  // nothing can change it
}

Value list_count(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "count", arguments, {"value"}, 1);
  std::int64_t count = 0;
  for (const Value& item : self.list()->items) count += equal(machine, item, *bound.at(0));
  return Value(count);
}

Value list_index(Machine& machine, const Value& self, const Arguments& arguments) {
  const Bound bound(machine, "index", arguments, {"value"}, 1);
  const auto& items = self.list()->items;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (equal(machine, items[i], *bound.at(0))) return Value(static_cast<std::int64_t>(i));
  }
  machine.fail("the value is not in the list");
}

constexpr auto kDictMethods = std::to_array<NamedMethod>({{"copy", dict_copy},
                                                          {"get", dict_get},
                                                          {"items", dict_items},
                                                          {"keys", dict_keys},
                                                          {"values", dict_values}});
constexpr auto kListMethods = std::to_array<NamedMethod>({{"count", list_count}, {"index", list_index}});

}  // namespace

Method find_method(const Value& value, std::string_view name) {
  if (value.is_text()) return find_text_method(name);
  if (value.dict()) return find(kDictMethods, name);
  const List* list = value.list();
  if (!list || list->kind == ListKind::view || list->kind == ListKind::iterator) return nullptr;
  if (list->kind == ListKind::list && name == "copy")
    return [](Machine& machine, const Value& self, const Arguments&) {
      return machine.list(self.list()->items);
    };
  return find(kListMethods, name);
}

}  // namespace lathe::jinja
