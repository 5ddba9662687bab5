#include "text/letter_case.h"

#include <utf8proc.h>

#include "text/utf8.h"

namespace lathe {
namespace {

std::string mapped(std::string_view text, utf8proc_int32_t (*map)(utf8proc_int32_t)) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = rune_at(text, at);
    append_rune(result, static_cast<char32_t>(map(static_cast<utf8proc_int32_t>(rune.value))));
    at += rune.length;
  }
  return result;
}

/// utf8proc has the capital sharp s for the small one, which Unicode's mapping leaves as it is.
utf8proc_int32_t upper(utf8proc_int32_t character) {
  constexpr utf8proc_int32_t kSharpS = 0xdf;
  return character == kSharpS ? kSharpS : utf8proc_toupper(character);
}

}  // namespace

std::string to_lower_case(std::string_view text) { return mapped(text, utf8proc_tolower); }
std::string to_upper_case(std::string_view text) { return mapped(text, upper); }

}  // namespace lathe
