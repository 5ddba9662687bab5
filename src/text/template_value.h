// The values that templates compute with. They behave as Python's: text is counted in characters, lists and
// dicts are shared and never change. Each list knows how deep it nests, so that nothing that walks it can run
// out of stack.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace lathe::jinja {

class Machine;
class Object;
struct Dict;
struct List;

struct None {};
struct Undefined {
  std::string name;  // of what was not found, for the message
};

using Text = std::shared_ptr<const std::string>;  // UTF-8
/// Text that is HTML already, from the filters safe and escape: what is added to it or put into it is
/// escaped.
struct Markup {
  Text text;
};
using ListPointer = std::shared_ptr<List>;
using DictPointer = std::shared_ptr<const Dict>;
using ObjectPointer = std::shared_ptr<Object>;

class Value {
 public:
  Value() : data_(Undefined{}) {}
  template <class T>
  explicit Value(T value) : data_(std::move(value)) {}

  template <class T>
  bool is() const {
    return std::holds_alternative<T>(data_);
  }
  template <class T>
  const T* get() const {
    return std::get_if<T>(&data_);
  }
  bool is_number() const { return is<std::int64_t>() || is<double>() || is<bool>(); }
  bool is_text() const { return is<Text>() || is_markup(); }
  bool is_markup() const { return is<Markup>(); }
  std::string_view text() const { return is_markup() ? *get<Markup>()->text : **get<Text>(); }
  const List* list() const;
  const Dict* dict() const;
  Object* object() const;

 private:
  std::variant<Undefined, None, bool, std::int64_t, double, Text, Markup, ListPointer, DictPointer,
               ObjectPointer>
      data_;
};

enum class ListKind {
  list,
  tuple,
  range,
  view,      // of a dict: has a length, but no items by number
  iterator,  // what filters such as map give: no length, read once
};

struct List {
  std::vector<Value> items;
  ListKind kind = ListKind::list;
  std::size_t depth = 1;
  std::string shown;      // range and view: how the whole prints
  bool consumed = false;  // iterator: read already
};

struct Dict {
  std::vector<std::pair<Value, Value>> items;  // in the order of insertion, keys unique
  std::size_t depth = 1;
};

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> keywords;
};

/// Anything else: functions, methods, macros, namespaces, the loop.
class Object {
 public:
  virtual ~Object() = default;
  virtual Value attribute(Machine& machine, std::string_view name) const;  // undefined where there is none
  virtual Value call(Machine& machine, const Arguments& arguments);        // fails where it cannot be called
  virtual bool callable() const { return false; }
  virtual std::string_view type() const = 0;
  virtual std::size_t depth() const { return 1; }
  /// Drops what it holds: run for objects that can hold themselves, when the rendering ends.
  virtual void clear() {}
};

inline const List* Value::list() const {
  const auto* pointer = get<ListPointer>();
  return pointer ? pointer->get() : nullptr;
}
inline const Dict* Value::dict() const {
  const auto* pointer = get<DictPointer>();
  return pointer ? pointer->get() : nullptr;
}
inline Object* Value::object() const {
  const auto* pointer = get<ObjectPointer>();
  return pointer ? pointer->get() : nullptr;
}

std::size_t depth_of(const Value& value);
bool truthy(const Value& value);
/// Python's name of the type.
std::string_view type_of(const Value& value);

}  // namespace lathe::jinja
