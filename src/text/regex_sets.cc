#include "text/regex_sets.h"

#include <array>
#include <charconv>
#include <functional>
#include <utility>
#include <vector>

#include "text/unicode.h"

namespace lathe {
namespace {

using unicode::Category;
using Has = std::function<bool(char32_t)>;

std::string range(char32_t first, char32_t last) {
  return first == last ? regex_rune(first) : regex_rune(first) + "-" + regex_rune(last);
}

/// All characters that `has` holds for.
std::string every(const Has& has) {
  constexpr char32_t kLast = 0x10FFFF;
  std::string out;
  char32_t begin = 0;
  bool inside = false;
  const auto close = [&](char32_t end) {
    // Surrogates are no characters, and PCRE2 refuses ranges that begin or end with one.
    if (inside) out += range(begin, end - 1);
    inside = false;
  };
  for (char32_t rune = 0; rune <= kLast; ++rune) {
    const bool surrogate = rune >= 0xD800 && rune <= 0xDFFF;
    if (surrogate || !has(rune)) {
      close(rune);
    } else if (!inside) {
      begin = rune;
      inside = true;
    }
  }
  close(kLast + 1);
  return out;
}

bool in_set(Category category, std::string_view name) {
  constexpr std::array<std::string_view, unicode::kCategories> kNames = {
      "cn", "lu", "ll", "lt", "lm", "lo", "mn", "mc", "me", "nd", "nl", "no", "pc", "pd", "ps",
      "pe", "pi", "pf", "po", "sm", "sc", "sk", "so", "zs", "zl", "zp", "cc", "cf", "cs", "co"};
  return kNames[static_cast<std::size_t>(category)].starts_with(name);
}

/// One or two letters, small; empty for other names.
std::string category_name(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kLong = {{{"letter", "l"},
                                                                                   {"mark", "m"},
                                                                                   {"number", "n"},
                                                                                   {"punctuation", "p"},
                                                                                   {"punct", "p"},
                                                                                   {"symbol", "s"},
                                                                                   {"separator", "z"},
                                                                                   {"other", "c"}}};
  std::string small;
  for (const char c : name) small += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (const auto& [spelled, code] : kLong)
    if (small == spelled) small = code;
  for (int i = 0; i < unicode::kCategories; ++i)
    if (!small.empty() && in_set(static_cast<Category>(i), small)) return small;
  return {};
}

std::string category_members(const std::string& name) {
  // A character has left the first since PCRE2's edition, and many the others: they are spelled out.
  if (name == "mn" || name == "cn" || name == "c")
    return every([&](char32_t rune) { return in_set(unicode::category_of(rune), name); });
  std::string property = name;
  property[0] = static_cast<char>(property[0] - 'a' + 'A');
  std::string out = "\\p{" + property + "}";
  for (const unicode::Difference& row : unicode::differences::kCategory)
    if (in_set(static_cast<Category>(row.value), name)) out += range(row.first, row.last);
  return out;
}

/// With the characters that are newer than PCRE2's edition.
std::vector<std::pair<std::string, std::string>> scripts() {
  return {{"Han", range(0x2B739, 0x2B739) + range(0x2EBF0, 0x2EE5D) + range(0x31350, 0x323AF)},
          {"Hiragana", regex_rune(0x1B132)},
          {"Katakana", regex_rune(0x1B155)},
          {"Hangul", ""},
          {"Thai", ""},
          {"Greek", ""},
          {"Hebrew", ""}};
}

}  // namespace

std::string regex_rune(char32_t rune) {
  std::array<char, 8> digits;
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), static_cast<std::uint32_t>(rune), 16).ptr;
  return "\\x{" + std::string(digits.data(), end) + "}";
}

std::string regex_shorthand(char letter, bool in_class) {
  const auto is_word = in_class ? unicode::is_class_word : unicode::is_pattern_word;
  switch (letter) {
    case 's':
      return every(unicode::is_white_space);
    case 'S':
      return every([](char32_t rune) { return !unicode::is_white_space(rune); });
    case 'd':
      return category_members("nd");
    case 'D':
      return every([](char32_t rune) { return unicode::category_of(rune) != Category::decimal_number; });
    case 'w':
      return every(is_word);
    default:
      return every([is_word](char32_t rune) { return !is_word(rune); });
  }
}

std::optional<std::string> regex_property(std::string_view name, bool negated) {
  if (name.starts_with('^')) return regex_property(name.substr(1), !negated);
  const std::string category = category_name(name);
  if (!category.empty()) {
    if (!negated) return category_members(category);
    return every([&](char32_t rune) { return !in_set(unicode::category_of(rune), category); });
  }
  if (negated) return std::nullopt;
  for (const auto& [script, newer] : scripts())
    if (name == script) return "\\p{sc:" + script + "}" + newer;
  return std::nullopt;
}

std::optional<std::string> regex_posix(std::string_view name) {
  if (name == "space") return regex_shorthand('s', true);
  if (name == "digit") return regex_shorthand('d', true);
  if (name == "word") return regex_shorthand('w', true);
  if (name == "punct") return category_members("p") + category_members("s");
  return std::nullopt;
}

}  // namespace lathe
