// Cuts text into the words that byte-level BPE merges inside of: a few steps, each of which cuts the pieces
// that the one before it left. The steps are scanners by hand, one file per family of patterns; all take time
// linear in the text and constant stack.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

namespace lathe {

/// A part of a text, up to `end`: what a pattern matched, or what lies between two matches.
struct TextRange {
  std::size_t end = 0;
  bool match = true;
};

/// Appends the pieces of `text`, which is whole characters, in ascending order; the last ends at text.size().
/// None is empty.
using Splitter = void (*)(std::string_view text, std::vector<TextRange>& pieces);

/// By the pattern as tokenizer.json spells it; nullptr for one that is not known.
Splitter find_splitter(std::string_view pattern);

struct PreTokenizer {
  static constexpr std::size_t kMostSteps = 6;

  std::string_view name;                        // in GGUF
  std::array<Splitter, kMostSteps> steps = {};  // up to the first nullptr
  bool whole_words = false;                     // a word that is a token becomes it, whatever the merges say
  bool add_bos = false;  // models of this name begin with BOS unless they say otherwise

  /// Appends the end of every word of `text`, which is whole characters, in ascending order; the last is
  /// text.size().
  void split(std::string_view text, std::vector<std::size_t>& ends) const;
};

/// By its name in GGUF; nullptr for one that is not known.
const PreTokenizer* find_pre_tokenizer(std::string_view name);

}  // namespace lathe
