// Patterns in the manner of GPT-4o's o200k, which cut where capitals begin: `CamelCase` is two words.
//   P?U*W+C?|P?U+W*C?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
//     P = [^\r\n\p{L}\p{N}]                   may stand before a word
//     U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
//     W = [\p{Ll}\p{Lm}\p{Lo}\p{M}]
//     C = (?i:'s|'t|'re|'ve|'m|'ll|'d)
#include "text/splitters.h"

namespace lathe {
namespace {

constexpr CharacterSet kUncased = kModifier | kOtherLetter | kMark;  // in both U and W
constexpr CharacterSet kUpperWord = kUpper | kTitle | kUncased;
constexpr CharacterSet kLowerWord = kLower | kUncased;

/// U*W+ from `at`, or `at`. Where no lower case follows the longest U*, it gives back as little as leaves one
/// uncased character for W+.
std::size_t lower_word_end(std::string_view text, std::size_t at) {
  std::size_t uncased_end = at;
  std::size_t end = at;
  Character next = character_at(text, end);
  for (; next.in(kUpperWord); next = character_at(text, end)) {
    end += next.length;
    if (next.in(kUncased)) uncased_end = end;
  }
  return next.in(kLower) ? skip(text, end, kLowerWord) : uncased_end;
}

/// U+ from `at`, or `at`: where U*W+ fails, no W* can follow.
std::size_t upper_word_end(std::string_view text, std::size_t at) { return skip(text, at, kUpperWord); }

/// A word from `at`, with or without the character that may stand before it, or `at`.
std::size_t cased_word_end(std::string_view text, std::size_t at) {
  const Character first = character_at(text, at);
  const std::size_t begin = first.in(kLineBreak | kLetter | kNumber) ? at : at + first.length;
  for (const auto word_end : {lower_word_end, upper_word_end}) {
    for (const std::size_t start : {begin, at}) {
      if (const std::size_t end = word_end(text, start); end > start) return end;
    }
  }
  return at;
}

std::size_t piece_end(std::string_view text, std::size_t at, const CasedWordRules& rules) {
  if (const std::size_t end = cased_word_end(text, at); end > at)
    return end + contraction_length(text, end, rules.contractions);
  const Character first = character_at(text, at);
  if (first.in(kNumber)) return skip(text, at, kNumber, rules.digits);
  constexpr CharacterSet kOthers = none_of(kWhiteSpace | kLetter | kNumber);
  const std::size_t begin = first.value == ' ' ? at + 1 : at;
  if (!character_at(text, begin).in(kOthers)) return space_end(text, at, true);
  std::size_t end = skip(text, begin, kOthers);
  while (end < text.size() && (text[end] == '\r' || text[end] == '\n' || (rules.slashes && text[end] == '/')))
    ++end;
  return end;
}

}  // namespace

void split_cased_words(std::string_view text, Pieces& pieces, const CasedWordRules& rules) {
  split_by(text, pieces,
           [&rules](std::string_view part, std::size_t at) { return piece_end(part, at, rules); });
}

}  // namespace lathe
