// Characters in bytes that may be broken: one U+FFFD for each longest start of a character that is never
// finished, as Unicode's chapter 3.9 and Python's errors="replace" have it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lathe {

inline constexpr char32_t kReplacement = 0xFFFD;

struct Rune {
  char32_t value = kReplacement;
  std::size_t length = 1;  // bytes it takes in the text
  bool valid = false;
  bool cut = false;  // not valid, but more bytes could have made it so
};

/// The character at `position`, which is inside `text`.
Rune rune_at(std::string_view text, std::size_t position);

void append_rune(std::string& out, char32_t rune);

bool is_utf8(std::string_view text);

/// `text` with what is broken replaced by U+FFFD.
std::string to_utf8(std::string_view text);

}  // namespace lathe
