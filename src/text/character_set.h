// What a character is to a pre-tokenizer: each character is in exactly one of these sets, so that a class of
// a pattern is a mask. White space and line breaks come before the general category.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lathe {

using CharacterSet = std::uint16_t;

inline constexpr CharacterSet kUpper = 1u << 0;        // \p{Lu}
inline constexpr CharacterSet kTitle = 1u << 1;        // \p{Lt}
inline constexpr CharacterSet kLower = 1u << 2;        // \p{Ll}
inline constexpr CharacterSet kModifier = 1u << 3;     // \p{Lm}
inline constexpr CharacterSet kOtherLetter = 1u << 4;  // \p{Lo}
inline constexpr CharacterSet kMark = 1u << 5;         // \p{M}
inline constexpr CharacterSet kDigit = 1u << 6;        // \p{Nd}
inline constexpr CharacterSet kOtherNumber = 1u << 7;  // \p{Nl}, \p{No}
inline constexpr CharacterSet kPunctuation = 1u << 8;  // \p{P}
inline constexpr CharacterSet kSymbol = 1u << 9;       // \p{S}
inline constexpr CharacterSet kBlank = 1u << 10;       // White_Space but for the next
inline constexpr CharacterSet kLineBreak = 1u << 11;   // [\r\n]
inline constexpr CharacterSet kOtherKind = 1u << 12;   // \p{C} but for white space

inline constexpr CharacterSet kLetter = kUpper | kTitle | kLower | kModifier | kOtherLetter;  // \p{L}
inline constexpr CharacterSet kNumber = kDigit | kOtherNumber;                                // \p{N}
inline constexpr CharacterSet kWhiteSpace = kBlank | kLineBreak;                              // \s
inline constexpr CharacterSet kAnyCharacter = (1u << 13) - 1;

constexpr CharacterSet none_of(CharacterSet set) { return static_cast<CharacterSet>(kAnyCharacter & ~set); }

struct Character {
  char32_t value = 0;
  CharacterSet kind = 0;  // 0: the end of the text
  std::size_t length = 0;

  bool in(CharacterSet set) const { return (kind & set) != 0; }
};

/// The character at `at`; one of no kind and no length at the end.
Character character_at(std::string_view text, std::size_t at);

/// Where the characters of `set` that begin at `at` end; at most `limit` of them.
std::size_t skip(std::string_view text, std::size_t at, CharacterSet set,
                 std::size_t limit = static_cast<std::size_t>(-1));

}  // namespace lathe
