#include "text/character_set.h"

#include <utf8proc.h>

#include <array>

#include "text/utf8.h"

namespace lathe {
namespace {

bool is_space(char32_t rune) {  // Unicode's White_Space
  return (rune >= 0x09 && rune <= 0x0D) || rune == 0x20 || rune == 0x85 || rune == 0xA0 || rune == 0x1680 ||
         (rune >= 0x2000 && rune <= 0x200A) || rune == 0x2028 || rune == 0x2029 || rune == 0x202F ||
         rune == 0x205F || rune == 0x3000;
}

/// Assigned in Unicode 15.1, which a utf8proc of 15.0 does not know.
CharacterSet newer_kind(char32_t rune) {
  if (rune >= 0x2EBF0 && rune <= 0x2EE5D) return kOtherLetter;  // CJK extension I
  if ((rune >= 0x2FFC && rune <= 0x2FFF) || rune == 0x31EF) return kSymbol;
  return kOtherKind;
}

CharacterSet kind_of(char32_t rune) {
  if (rune == '\r' || rune == '\n') return kLineBreak;
  if (is_space(rune)) return kBlank;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(rune))) {
    case UTF8PROC_CATEGORY_LU:
      return kUpper;
    case UTF8PROC_CATEGORY_LT:
      return kTitle;
    case UTF8PROC_CATEGORY_LL:
      return kLower;
    case UTF8PROC_CATEGORY_LM:
      return kModifier;
    case UTF8PROC_CATEGORY_LO:
      return kOtherLetter;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return kMark;
    case UTF8PROC_CATEGORY_ND:
      return kDigit;
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return kOtherNumber;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return kPunctuation;
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
      return kSymbol;
    case UTF8PROC_CATEGORY_CN:
      return newer_kind(rune);
    default:
      return kOtherKind;
  }
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
