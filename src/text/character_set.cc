#include "text/character_set.h"

#include <array>

#include "text/unicode.h"
#include "text/utf8.h"

namespace lathe {
namespace {

// In the order of unicode::Category.
constexpr std::array<CharacterSet, unicode::kCategories> kKinds = {
    kOtherKind,   kUpper,       kLower,       kTitle,       kModifier,    kOtherLetter,
    kMark,        kMark,        kMark,        kDigit,       kOtherNumber, kOtherNumber,
    kPunctuation, kPunctuation, kPunctuation, kPunctuation, kPunctuation, kPunctuation,
    kPunctuation, kSymbol,      kSymbol,      kSymbol,      kSymbol,      kBlank,
    kBlank,       kBlank,       kOtherKind,   kOtherKind,   kOtherKind,   kOtherKind};

CharacterSet kind_of(char32_t rune) {
  if (rune == '\r' || rune == '\n') return kLineBreak;
  if (unicode::is_white_space(rune)) return kBlank;
  return kKinds[static_cast<std::size_t>(unicode::category_of(rune))];
}

std::array<CharacterSet, 128> ascii_kinds() {
  std::array<CharacterSet, 128> kinds{};
  for (char32_t rune = 0; rune < 128; ++rune) kinds[rune] = kind_of(rune);
  return kinds;
}

}  // namespace

Character character_at(std::string_view text, std::size_t at) {
  static const std::array<CharacterSet, 128> kAscii = ascii_kinds();
  if (at >= text.size()) return {};
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 128) return {byte, kAscii[byte], 1};
  const Rune rune = rune_at(text, at);
  return {rune.value, kind_of(rune.value), rune.length};
}

std::size_t skip(std::string_view text, std::size_t at, CharacterSet set, std::size_t limit) {
  for (; limit > 0; --limit) {
    const Character next = character_at(text, at);
    if (!next.in(set)) break;
    at += next.length;
  }
  return at;
}

}  // namespace lathe
