// What Unicode says of a character, as the `tokenizers` package has it: its parts follow different editions
// of Unicode, and ids depend on them. Where utf8proc says otherwise, unicode_differences.cc has the last
// word.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lathe::unicode {

/// General category, in the order and with the numbers of utf8proc.
enum class Category : std::uint8_t {
  unassigned,
  upper_letter,
  lower_letter,
  title_letter,
  modifier_letter,
  other_letter,
  nonspacing_mark,
  spacing_mark,
  enclosing_mark,
  decimal_number,
  letter_number,
  other_number,
  connector,
  dash,
  open,
  close,
  initial_quote,
  final_quote,
  other_punctuation,
  math,
  currency,
  modifier_symbol,
  other_symbol,
  space,
  line,
  paragraph,
  control,
  format,
  surrogate,
  private_use
};
inline constexpr int kCategories = 30;

/// Of patterns.
Category category_of(char32_t rune);

bool is_letter(Category category);
bool is_mark(Category category);
bool is_number(Category category);
bool is_punctuation(Category category);

bool is_white_space(char32_t rune);
/// \w of patterns, inside of a class and by itself, where Oniguruma has more of Latin-1.
bool is_class_word(char32_t rune);
bool is_pattern_word(char32_t rune);
bool is_word(char32_t rune);  // of the pre-tokenizer Whitespace, and beside added tokens

bool is_numeric(char32_t rune);            // pre-tokenizer Digits
bool is_split_punctuation(char32_t rune);  // pre-tokenizers Punctuation and Bert
bool is_accent(char32_t rune);             // normalizer StripAccents
bool is_bert_accent(char32_t rune);        // normalizer Bert
bool is_bert_removed(char32_t rune);       // control and the like
bool is_chinese(char32_t rune);            // the blocks that Bert sets apart

void append_lowercase(std::string& out, char32_t rune);

/// Order of combining marks, for normal forms; 0 for all else.
int combining_class(char32_t rune);
bool decomposes(char32_t rune, bool compatibility);

// unicode_differences.cc, made by tools/make_unicode_differences.py.
struct Difference {
  char32_t first, last;
  std::uint32_t value;  // a category, a truth or a character
};
namespace differences {
extern const std::span<const Difference> kCategory;
extern const std::span<const Difference> kNumeric;
extern const std::span<const Difference> kSplitPunctuation;
extern const std::span<const Difference> kAccent;
extern const std::span<const Difference> kBertAccent;
extern const std::span<const Difference> kBertRemoved;
extern const std::span<const Difference> kLowercase;
extern const std::span<const Difference> kCombining;
extern const std::span<const Difference> kDecomposes;
extern const std::span<const Difference> kDecomposesCompatibly;
}  // namespace differences

}  // namespace lathe::unicode
