// What templates can use by name: filters, tests, methods of text, lists and dicts, and global functions.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "text/template_value.h"

namespace lathe::jinja {

using Filter = Value (*)(Machine& machine, const Value& value, const Arguments& arguments);
using Test = bool (*)(Machine& machine, const Value& value, const Arguments& arguments);
using Function = Value (*)(Machine& machine, const Arguments& arguments);
using Method = Filter;

struct NamedFilter {
  std::string_view name;
  Filter filter;
};
struct NamedTest {
  std::string_view name;
  Test test;
};

/// nullptr for a name that is not known.
Filter find_filter(std::string_view name);
Filter find_text_filter(std::string_view name);
Filter find_list_filter(std::string_view name);
Test find_test(std::string_view name);
/// Methods that leave the value as it is; nullptr for others, too.
Method find_method(const Value& value, std::string_view name);
Method find_text_method(std::string_view name);

/// The method as a value of its own.
Value bind_method(Machine& machine, const Value& self, std::string_view name, Method method);

/// Sets range, namespace, dict, joiner, cycler, raise_exception and strftime_now in the current scope.
void define_functions(Machine& machine);

/// A namespace whose attributes `set` changes; nullptr for any other value.
bool set_namespace_attribute(Machine& machine, const Value& value, std::string_view name, Value attribute);

/// Matches arguments with parameter names as Python does; missing ones are empty, too many fail.
class Bound {
 public:
  Bound(Machine& machine, std::string_view function, const Arguments& arguments,
        std::initializer_list<std::string_view> parameters, std::size_t required = 0);
  /// The argument, or nullptr if it is missing.
  const Value* at(std::size_t i) const { return values_[i]; }
  bool flag(std::size_t i, bool fallback) const;
  std::int64_t integer(std::size_t i, std::int64_t fallback) const;
  /// Fails for anything but text.
  std::string_view text(std::size_t i, std::string_view fallback) const;

 private:
  Machine& machine_;
  std::string function_;
  std::vector<const Value*> values_;
};

}  // namespace lathe::jinja
