// JSON for everyone: the library's type, with objects that keep their order, and parsing with bounds.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace lathe {

using Json = nlohmann::ordered_json;

/// Throws Error(invalid_argument) with the byte where `text` is not JSON, nests deeper than `max_depth` or
/// has an object of more than `max_members`: objects that keep their order take time with the square of their
/// size.
Json parse_json(std::string_view text, std::string_view what, int max_depth = 64, int max_members = 1 << 14);

/// One line; broken UTF-8 in strings becomes U+FFFD.
std::string dump_json(const Json& value, int indent = -1);

}  // namespace lathe
