// JSON for everyone: the library's type, with objects that keep their order, and reading with bounds.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

namespace lathe {

using Json = nlohmann::ordered_json;

/// Throws Error(invalid_argument) with the byte where `text` is not JSON, nests deeper than `max_depth` or
/// has an object of more than `max_members`: objects that keep their order take time with the square of their
/// size.
Json parse_json(std::string_view text, std::string_view what, int max_depth = 64, int max_members = 1 << 14);

/// The same for documents of any size, in a time that grows with it: tokenizers, headers, configurations.
/// A key that an object has twice is refused too. Walk through large objects: looking up one key takes as
/// many steps as there are members.
Json parse_large_json(std::string_view text, std::string_view what, int max_depth = 64);

/// What read_json calls as it meets each piece; a function that throws ends the reading.
using JsonEvents = nlohmann::json_sax<Json>;

/// Reads `text` without keeping it. Throws as parse_json does; keys that occur twice are the events'
/// business.
void read_json(std::string_view text, std::string_view what, JsonEvents& events, int max_depth = 64);

/// An error of these functions as Error(invalid_file) of the file that holds the text from byte `start` on.
Error json_file_error(const Error& error, const std::string& file, std::uint64_t start = 0);

/// One line; broken UTF-8 in strings becomes U+FFFD.
std::string dump_json(const Json& value, int indent = -1);

}  // namespace lathe
