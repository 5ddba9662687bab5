#include "text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <optional>

#include "text/utf8.h"

namespace lathe::unicode {
namespace {

std::optional<std::uint32_t> find(std::span<const Difference> table, char32_t rune) {
  if (table.empty() || rune < table.front().first) return std::nullopt;
  const auto after =
      std::upper_bound(table.begin(), table.end(), rune,
                       [](char32_t value, const Difference& row) { return value < row.first; });
  const Difference& row = *(after - 1);
  if (rune > row.last) return std::nullopt;
  return row.value;
}

Category stored_category(char32_t rune) {
  return static_cast<Category>(utf8proc_category(static_cast<utf8proc_int32_t>(rune)));
}

bool decide(std::span<const Difference> table, char32_t rune, bool otherwise) {
  const auto found = find(table, rune);
  return found ? *found != 0 : otherwise;
}

bool is_ascii_punctuation(char32_t rune) {
  return (rune >= 0x21 && rune <= 0x2F) || (rune >= 0x3A && rune <= 0x40) || (rune >= 0x5B && rune <= 0x60) ||
         (rune >= 0x7B && rune <= 0x7E);
}

}  // namespace

Category category_of(char32_t rune) {
  const auto found = find(differences::kCategory, rune);
  return found ? static_cast<Category>(*found) : stored_category(rune);
}

bool is_letter(Category category) {
  return category >= Category::upper_letter && category <= Category::other_letter;
}
bool is_mark(Category category) {
  return category >= Category::nonspacing_mark && category <= Category::enclosing_mark;
}
bool is_number(Category category) {
  return category >= Category::decimal_number && category <= Category::other_number;
}
bool is_punctuation(Category category) {
  return category >= Category::connector && category <= Category::other_punctuation;
}

bool is_white_space(char32_t rune) {
  if (rune < 0x80) return rune == 0x20 || (rune >= 0x09 && rune <= 0x0D);
  return rune == 0x85 || rune == 0xA0 || rune == 0x1680 || (rune >= 0x2000 && rune <= 0x200A) ||
         rune == 0x2028 || rune == 0x2029 || rune == 0x202F || rune == 0x205F || rune == 0x3000;
}

bool is_class_word(char32_t rune) {
  const Category category = category_of(rune);
  if (is_letter(category) || is_mark(category)) return true;
  if (category == Category::decimal_number || category == Category::letter_number) return true;
  // Circled and squared letters are alphabetic, though symbols.
  return category == Category::connector || (rune >= 0x24B6 && rune <= 0x24E9) ||
         (rune >= 0x1F130 && rune <= 0x1F149) || (rune >= 0x1F150 && rune <= 0x1F169) ||
         (rune >= 0x1F170 && rune <= 0x1F189);
}

bool is_pattern_word(char32_t rune) {
  // Oniguruma counts the superscripts and fractions of Latin-1 in.
  return is_class_word(rune) || rune == 0xB2 || rune == 0xB3 || rune == 0xB9 ||
         (rune >= 0xBC && rune <= 0xBE);
}

bool is_word(char32_t rune) { return is_class_word(rune) || rune == 0x200C || rune == 0x200D; }

bool is_numeric(char32_t rune) {
  return decide(differences::kNumeric, rune, is_number(stored_category(rune)));
}

bool is_split_punctuation(char32_t rune) {
  return is_ascii_punctuation(rune) ||
         decide(differences::kSplitPunctuation, rune, is_punctuation(stored_category(rune)));
}

bool is_accent(char32_t rune) { return decide(differences::kAccent, rune, is_mark(stored_category(rune))); }

bool is_bert_accent(char32_t rune) {
  return decide(differences::kBertAccent, rune, stored_category(rune) == Category::nonspacing_mark);
}

bool is_bert_removed(char32_t rune) {
  if (rune == '\t' || rune == '\n' || rune == '\r') return false;
  if (rune == 0 || rune == kReplacement) return true;
  const Category category = stored_category(rune);
  return decide(
      differences::kBertRemoved, rune,
      category == Category::control || category == Category::format || category == Category::private_use);
}

bool is_chinese(char32_t rune) {
  return (rune >= 0x4E00 && rune <= 0x9FFF) || (rune >= 0x3400 && rune <= 0x4DBF) ||
         (rune >= 0x20000 && rune <= 0x2A6DF) || (rune >= 0x2A700 && rune <= 0x2B81F) ||
         (rune >= 0x2B920 && rune <= 0x2CEAF) || (rune >= 0xF900 && rune <= 0xFAFF) ||
         (rune >= 0x2F800 && rune <= 0x2FA1F);
}

void append_lowercase(std::string& out, char32_t rune) {
  if (rune == 0x130) {  // the one that becomes two
    out += "i\xCC\x87";
    return;
  }
  const auto found = find(differences::kLowercase, rune);
  append_rune(out, found ? static_cast<char32_t>(*found)
                         : static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(rune))));
}

int combining_class(char32_t rune) {
  if (rune < 0x300) return 0;
  if (const auto found = find(differences::kCombining, rune)) return static_cast<int>(*found);
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(rune))->combining_class;
}

bool decomposes(char32_t rune, bool compatibility) {
  if (rune < 0xA0) return false;
  return decide(compatibility ? differences::kDecomposesCompatibly : differences::kDecomposes, rune, true);
}

}  // namespace lathe::unicode
