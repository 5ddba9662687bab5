// Base64 of RFC 4648, as files hold it: padded, no line breaks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lathe {

/// Nothing where `text` is not base64.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace lathe
