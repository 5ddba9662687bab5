// printf-style formatting of text: the operator %, and the filter format.
#pragma once

#include <string>
#include <string_view>

#include "text/template_value.h"

namespace lathe::jinja {

std::string format_percent(Machine& machine, std::string_view format, const Value& values);

}  // namespace lathe::jinja
