// Patterns of one class: runs of it, with what else is around them left as pieces of its own.
#include <algorithm>

#include "text/splitters.h"

namespace lathe {
namespace {

bool is_falcon_punctuation(const Character& character) {
  constexpr std::u32string_view kSymbols = U"$+<=>^~|`";
  return character.in(kPunctuation) ||
         (character.in(kSymbol) && kSymbols.find(character.value) != kSymbols.npos);
}

bool is_bloom_separator(const Character& character) {
  constexpr std::u32string_view kSeparators = U"(|.,!?…。，、।۔،)";
  return character.in(kWhiteSpace) || kSeparators.find(character.value) != kSeparators.npos;
}

/// Where the characters at `at` end that `contains` is true of.
template <class Contains>
std::size_t skip_while(std::string_view text, std::size_t at, const Contains& contains) {
  while (at < text.size()) {
    const Character next = character_at(text, at);
    if (!contains(next)) break;
    at += next.length;
  }
  return at;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

void split_runs(std::string_view text, Pieces& pieces, CharacterSet set, std::size_t limit) {
  split_by(text, pieces, [=](std::string_view part, std::size_t at) { return skip(part, at, set, limit); });
}

void split_spaced_runs(std::string_view text, Pieces& pieces, CharacterSet set) {
  split_by(text, pieces, [=](std::string_view part, std::size_t at) {
    const std::size_t begin = skip(part, at, kWhiteSpace, 1);
    const std::size_t end = skip(part, begin, set);
    return end > begin ? end : at;
  });
}

void split_lines(std::string_view text, Pieces& pieces) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text[at] == '\n' ? text.find_first_not_of('\n', at) : text.find('\n', at);
    at = std::min(end, text.size());
    pieces.push_back({at, true});
  }
}

void split_long_blanks(std::string_view text, Pieces& pieces) {
  split_by(text, pieces, [](std::string_view part, std::size_t at) {
    const std::size_t end = std::min(part.find_first_not_of(' ', at), part.size());
    return end - at >= 2 ? end : at;
  });
}

void split_last_space(std::string_view text, Pieces& pieces) {
  std::size_t done = 0;
  const auto add = [&](std::size_t begin, std::size_t end) {
    if (begin == end) return;
    if (done < begin) pieces.push_back({begin, false});
    pieces.push_back({end, true});
    done = end;
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    std::size_t line_end = at;
    Character next = character_at(text, at);
    for (; next.in(kWhiteSpace); next = character_at(text, at)) {
      if (next.value == '\n') line_end = at;
      at += next.length;
    }
    add(begin, at == text.size() ? at : line_end);
    at += next.length;
  }
  if (done < text.size()) pieces.push_back({text.size(), false});
}

void split_falcon_punctuation(std::string_view text, Pieces& pieces) {
  split_by(text, pieces,
           [](std::string_view part, std::size_t at) { return skip_while(part, at, is_falcon_punctuation); });
}

void split_three_digits(std::string_view text, Pieces& pieces) {
  split_by(text, pieces, [](std::string_view part, std::size_t at) {
    const std::string_view three = part.substr(at, 3);
    return three.size() == 3 && std::all_of(three.begin(), three.end(), is_digit) ? at + 3 : at;
  });
}

void split_bloom(std::string_view text, Pieces& pieces) {
  split_by(text, pieces, [](std::string_view part, std::size_t at) {
    const std::size_t begin = part[at] == ' ' ? at + 1 : at;
    const std::size_t end =
        skip_while(part, begin, [](const Character& c) { return !is_bloom_separator(c); });
    return end > begin ? end : at;
  });
}

}  // namespace lathe
