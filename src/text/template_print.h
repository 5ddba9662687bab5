// Values as text: str, repr and JSON, as Python writes them.
#pragma once

#include <optional>
#include <string>

#include "text/template_value.h"

namespace lathe::jinja {

std::string print(Machine& machine, const Value& value);       // str
std::string print_repr(Machine& machine, const Value& value);  // repr
/// As HTML: markup as it is, all else with &, <, >, ' and " named.
std::string print_escaped(Machine& machine, const Value& value);
std::string print_float(double number);

struct JsonStyle {
  std::optional<std::string> indent;  // of one level; absent: one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool ascii = false;
  bool sort_keys = false;
};
std::string print_json(Machine& machine, const Value& value, const JsonStyle& style);

}  // namespace lathe::jinja
