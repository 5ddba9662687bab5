// Small texts for programs on this API.
#pragma once

#include <string>
#include <string_view>

namespace lathe {

/// `text` as a JSON string with its quotes; broken UTF-8 becomes U+FFFD.
std::string json_string(std::string_view text);

/// The library's version, "0.1.0".
std::string_view version();

}  // namespace lathe
