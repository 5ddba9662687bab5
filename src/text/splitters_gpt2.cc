// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
#include "text/splitters.h"

namespace lathe {
namespace {

constexpr CharacterSet kOthers = none_of(kWhiteSpace | kLetter | kNumber);

std::size_t word_end(std::string_view text, std::size_t at) {
  if (const std::size_t length = contraction_length(text, at, Contractions::lower_case)) return at + length;
  const std::size_t begin = text[at] == ' ' ? at + 1 : at;
  const Character first = character_at(text, begin);
  for (const CharacterSet set : {kLetter, kNumber, kOthers}) {
    if (first.in(set)) return skip(text, begin, set);
  }
  return space_end(text, at, false);
}

}  // namespace

void split_gpt2(std::string_view text, Pieces& pieces) { split_by(text, pieces, word_end); }

}  // namespace lathe
