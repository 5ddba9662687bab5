// Upper and lower case by Unicode's simple mappings: one character for one, whatever the locale.
#pragma once

#include <string>
#include <string_view>

namespace lathe {

/// `text` is UTF-8.
std::string to_lower_case(std::string_view text);
std::string to_upper_case(std::string_view text);

}  // namespace lathe
