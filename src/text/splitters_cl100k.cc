// Patterns in the manner of GPT-4's cl100k:
//   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|
//   \s+(?!\S)|\s+
// WordRules says what others change: the contractions, how many digits are a word, marks that count as
// letters (then [^\s\p{L}\p{M}\p{N}]+, too), no [\r\n]* behind punctuation.
#include "text/splitters.h"

namespace lathe {
namespace {

std::size_t word_end(std::string_view text, std::size_t at, const WordRules& rules) {
  if (const std::size_t length = contraction_length(text, at, rules.contractions)) return at + length;
  const Character first = character_at(text, at);
  if (first.in(rules.letters)) return skip(text, at, rules.letters);
  if (first.in(kNumber)) return skip(text, at, kNumber, rules.digits);
  const Character second = character_at(text, at + first.length);
  if (!first.in(kLineBreak) && second.in(rules.letters)) return skip(text, at + first.length, rules.letters);
  const std::size_t begin = first.value == ' ' ? at + 1 : at;
  const CharacterSet others = none_of(kWhiteSpace | kNumber | rules.letters);
  if (character_at(text, begin).in(others)) return skip(text, skip(text, begin, others), rules.tail);
  return space_end(text, at, true);
}

}  // namespace

void split_words(std::string_view text, Pieces& pieces, const WordRules& rules) {
  split_by(text, pieces,
           [&rules](std::string_view part, std::size_t at) { return word_end(part, at, rules); });
}

}  // namespace lathe
