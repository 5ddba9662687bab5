#include "text/unicode_forms.h"

#include <utf8proc.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace lathe::unicode {
namespace {

struct Mark {
  char32_t rune = 0;
  int combining_class = 0;
};

void append_decomposed(std::vector<Mark>& out, char32_t rune, bool compatibility) {
  if (!decomposes(rune, compatibility)) {
    out.push_back({rune, combining_class(rune)});
    return;
  }
  utf8proc_int32_t parts[32];  // the longest has 18
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE |
                                                      (compatibility ? UTF8PROC_COMPAT : 0));
  const auto count =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(rune), parts, 32, options, nullptr);
  CHECK(count >= 0 && count <= 32);
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    const auto part = static_cast<char32_t>(parts[i]);
    out.push_back({part, combining_class(part)});
  }
}

/// Sorts every run of marks by class; utf8proc would take time with the square of the run.
void order(std::vector<Mark>& marks) {
  for (auto at = marks.begin(); at != marks.end();) {
    if (at->combining_class == 0) {
      ++at;
      continue;
    }
    const auto end =
        std::find_if(at, marks.end(), [](const Mark& mark) { return mark.combining_class == 0; });
    std::stable_sort(at, end,
                     [](const Mark& a, const Mark& b) { return a.combining_class < b.combining_class; });
    at = end;
  }
}

/// Characters that utf8proc would compose and the package does not know: they stand alone.
bool stands_alone(const Mark& mark) {
  constexpr char32_t kNewVowelSign = 0x11930;  // the second part of U+11938
  if (mark.rune == kNewVowelSign) return true;
  return mark.combining_class == 0 &&
         utf8proc_get_property(static_cast<utf8proc_int32_t>(mark.rune))->combining_class != 0;
}

void append_composed(std::string& out, std::vector<utf8proc_int32_t>& runes) {
  if (runes.empty()) return;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  const auto count =
      utf8proc_normalize_utf32(runes.data(), static_cast<utf8proc_ssize_t>(runes.size()), options);
  CHECK(count >= 0);
  for (utf8proc_ssize_t i = 0; i < count; ++i) append_rune(out, static_cast<char32_t>(runes[i]));
  runes.clear();
}

}  // namespace

std::string to_form(std::string_view text, normalize::Form form) {
  const bool compatibility = form == normalize::Form::nfkc || form == normalize::Form::nfkd;
  std::vector<Mark> marks;
  marks.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const Rune rune = rune_at(text, i);
    append_decomposed(marks, rune.value, compatibility);
    i += rune.length;
  }
  order(marks);
  std::string out;
  out.reserve(text.size());
  if (form == normalize::Form::nfd || form == normalize::Form::nfkd) {
    for (const Mark& mark : marks) append_rune(out, mark.rune);
    return out;
  }
  std::vector<utf8proc_int32_t> runes;
  for (const Mark& mark : marks) {
    if (stands_alone(mark)) {
      append_composed(out, runes);
      append_rune(out, mark.rune);
    } else {
      runes.push_back(static_cast<utf8proc_int32_t>(mark.rune));
    }
  }
  append_composed(out, runes);
  return out;
}

}  // namespace lathe::unicode
