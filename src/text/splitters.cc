// What the families of splitters share, and the patterns by their text.
#include "text/splitters.h"

namespace lathe {
namespace {

struct Pattern {
  std::string_view text;
  Splitter splitter;
};

constexpr Pattern kPatterns[] = {
    {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", split_gpt2},
    // Llama 3, GPT-4
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     [](std::string_view text, Pieces& pieces) {
       split_words(text, pieces, {.contractions = Contractions::folded, .digits = 3});
     }},
    // Qwen 2 and 3
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     [](std::string_view text, Pieces& pieces) {
       split_words(text, pieces, {.contractions = Contractions::folded});
     }},
    // Qwen 3.5
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     [](std::string_view text, Pieces& pieces) {
       split_words(text, pieces, {.contractions = Contractions::folded, .letters = kLetter | kMark});
     }},
    // Bailing: the possessive ?+ and ++ change nothing, and `\s*[\r\n]` ends where `\s*[\r\n]+` does
    {R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)",
     [](std::string_view text, Pieces& pieces) {
       split_words(text, pieces, {.contractions = Contractions::folded});
     }},
    // Seed-Coder
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)",
     [](std::string_view text, Pieces& pieces) {
       split_words(text, pieces, {.contractions = Contractions::folded, .tail = 0});
     }},
    // GPT-4o, Llama 4
    {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     [](std::string_view text, Pieces& pieces) {
       split_cased_words(text, pieces, {.contractions = Contractions::folded});
     }},
    // Mistral's Tekken
    {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     [](std::string_view text, Pieces& pieces) {
       split_cased_words(text, pieces, {.contractions = Contractions::none, .digits = 1});
     }},
    // DeepSeek V3, after its digits and CJK
    {"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| "
     "?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
     split_deepseek_v3},
    {"[一-龥぀-ゟ゠-ヿ]+", split_deepseek_v3_cjk},
    {"[一-龥ࠀ-一가-퟿]+", split_deepseek_cjk},
    {"[\r\n]", [](std::string_view text, Pieces& pieces) { split_runs(text, pieces, kLineBreak, 1); }},
    {R"(\s?\p{L}+)", [](std::string_view text, Pieces& pieces) { split_spaced_runs(text, pieces, kLetter); }},
    {R"(\s?\p{P}+)",
     [](std::string_view text, Pieces& pieces) { split_spaced_runs(text, pieces, kPunctuation); }},
    {R"(\s+$)", split_last_space},
    {R"(\p{N})", [](std::string_view text, Pieces& pieces) { split_runs(text, pieces, kNumber, 1); }},
    {R"(\p{N}{1,3})", [](std::string_view text, Pieces& pieces) { split_runs(text, pieces, kNumber, 3); }},
    {R"(\p{N}+)", [](std::string_view text, Pieces& pieces) { split_runs(text, pieces, kNumber); }},
    {"[0-9][0-9][0-9]", split_three_digits},
    {R"([^\n]+|[\n]+)", split_lines},
    {" {2,}", split_long_blanks},
    {" ?[^(\\s|.,!?…。，、।۔،)]+", split_bloom},
};

}  // namespace

Splitter find_splitter(std::string_view pattern) {
  for (const Pattern& row : kPatterns) {
    if (row.text == pattern) return row.splitter;
  }
  return nullptr;
}

std::size_t space_end(std::string_view text, std::size_t at, bool lines) {
  std::size_t last = at;
  std::size_t end = at;
  std::size_t line_end = at;
  for (Character next = character_at(text, end); next.in(kWhiteSpace); next = character_at(text, end)) {
    last = end;
    end += next.length;
    if (next.in(kLineBreak)) line_end = end;
  }
  if (lines && line_end > at) return line_end;
  return end == text.size() || last == at ? end : last;
}

std::size_t contraction_length(std::string_view text, std::size_t at, Contractions contractions) {
  if (contractions == Contractions::none || at + 1 >= text.size() || text[at] != '\'') return 0;
  const auto letter = [&](std::size_t position) -> char {
    if (position >= text.size()) return '\0';
    const char c = text[position];
    return contractions != Contractions::lower_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a')
                                                                            : c;
  };
  const char first = letter(at + 1);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  const char second = letter(at + 2);
  if ((first == 'r' || first == 'v') && second == 'e') return 3;
  if (first == 'l' && second == 'l') return 3;
  if (contractions == Contractions::folded && text.substr(at + 1, 2) == "\u017F") return 3;
  return 0;
}

}  // namespace lathe
