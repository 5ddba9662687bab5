// The scanners of pre_tokenizer.h, family by family. The pattern that each one is stands in splitters.cc
// where tokenizer.json has it as one pattern, otherwise beside the scanner.
#pragma once

#include "text/character_set.h"
#include "text/pre_tokenizer.h"

namespace lathe {

using Pieces = std::vector<TextRange>;

/// Pieces by `match_at(text, at)`, the end of the match that begins at `at`, or `at` where there is none.
template <class MatchAt>
void split_by(std::string_view text, Pieces& pieces, const MatchAt& match_at) {
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = match_at(text, at);
    if (end == at) {
      at += character_at(text, at).length;
      continue;
    }
    if (done < at) pieces.push_back({at, false});
    pieces.push_back({end, true});
    done = at = end;
  }
  if (done < text.size()) pieces.push_back({text.size(), false});
}

/// The white space at `at`, which is not empty: up to its last line break if it has one (`\s*[\r\n]+`), all
/// of it at the end of the text, otherwise without its last character, which may begin the next word
/// (`\s+(?!\S)`), unless it is the only one (`\s+`).
std::size_t space_end(std::string_view text, std::size_t at, bool lines);

/// 's 't 'm 'd 're 've 'll.
enum class Contractions {
  none,
  lower_case,
  any_case,  // of ASCII: '[sS]
  folded,    // (?i:'s), which takes U+017F for s, too
};
/// Bytes of the contraction at `at`, or 0.
std::size_t contraction_length(std::string_view text, std::size_t at, Contractions contractions);

// splitters_gpt2.cc
void split_gpt2(std::string_view text, Pieces& pieces);

// splitters_cl100k.cc
struct WordRules {
  Contractions contractions = Contractions::any_case;
  std::size_t digits = 1;  // in one word, at most
  CharacterSet letters = kLetter;
  CharacterSet tail = kLineBreak;  // goes with punctuation before it
};
void split_words(std::string_view text, Pieces& pieces, const WordRules& rules);

// splitters_o200k.cc
struct CasedWordRules {
  Contractions contractions = Contractions::any_case;  // at the end of a word
  std::size_t digits = 3;
  bool slashes = true;  // go with punctuation before them, as line breaks do
};
void split_cased_words(std::string_view text, Pieces& pieces, const CasedWordRules& rules);

// splitters_deepseek.cc
void split_deepseek_letters(std::string_view text, Pieces& pieces);
void split_deepseek_punctuation(std::string_view text, Pieces& pieces);
void split_deepseek_cjk(std::string_view text, Pieces& pieces);
void split_deepseek_v3_cjk(std::string_view text, Pieces& pieces);
void split_deepseek_v3(std::string_view text, Pieces& pieces);

// splitters_runs.cc
/// `[set]{1,limit}`
void split_runs(std::string_view text, Pieces& pieces, CharacterSet set,
                std::size_t limit = static_cast<std::size_t>(-1));
/// `\s?[set]+`
void split_spaced_runs(std::string_view text, Pieces& pieces, CharacterSet set);
/// `[^\n]+|[\n]+`
void split_lines(std::string_view text, Pieces& pieces);
/// ` {2,}`
void split_long_blanks(std::string_view text, Pieces& pieces);
/// `\s+$`, where $ is the end of a line, too: before \n
void split_last_space(std::string_view text, Pieces& pieces);
/// `[\p{P}\$\+<=>\^~\|`]+`
void split_falcon_punctuation(std::string_view text, Pieces& pieces);
/// `[0-9][0-9][0-9]`
void split_three_digits(std::string_view text, Pieces& pieces);
/// ` ?[^(\s|.,!?…。，、।۔،)]+`
void split_bloom(std::string_view text, Pieces& pieces);

}  // namespace lathe
