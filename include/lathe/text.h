// Small help with text for programs on this API.
#pragma once

#include <string>
#include <string_view>

namespace lathe {

/// `text` as a JSON string with its quotes; broken UTF-8 becomes U+FFFD.
std::string json_string(std::string_view text);

}  // namespace lathe
