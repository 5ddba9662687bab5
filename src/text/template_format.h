// Formatting of text: printf-style for the operator % and the filter format, braces for the method format.
#pragma once

#include <string>
#include <string_view>

#include "text/template_value.h"

namespace lathe::jinja {

/// `escaping`: what goes in is escaped, as Markup does it.
std::string format_percent(Machine& machine, std::string_view format, const Value& values,
                           bool escaping = false);

/// "{}", "{0}", "{name}", "{!r}"; fails for format specifications, attributes and items.
std::string format_braces(Machine& machine, std::string_view format, const Arguments& arguments,
                          bool escaping = false);

}  // namespace lathe::jinja
