// What llama.cpp, for whose ids GGUF files are made, does not know of Unicode: it has edition 15.1, where
// text/unicode.h has 16.0.
#pragma once

#include <string>
#include <string_view>

namespace lathe::unicode {

/// `text` with each character that came with 16.0 replaced by an unassigned one of as many bytes; empty where
/// there is none.
std::string as_15_1(std::string_view text);

}  // namespace lathe::unicode
