// Finds the added tokens of a tokenizer.json in a text: leftmost first, of those the longest.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "text/normalizer.h"
#include "text/prefix_trie.h"
#include "text/tokenizer_data.h"

namespace lathe {

class AddedTokens {
 public:
  /// A search costs at most that many bytes per byte of text. Longer tokens are refused.
  static constexpr std::size_t kLongest = 1024;

  /// `data` must outlive this. Throws Error(unsupported) for a token over kLongest bytes.
  AddedTokens(const TokenizerData& data, const Normalizer& normalizer);

  struct Part {
    std::size_t begin = 0, end = 0;
    TokenId id = -1;  // -1: text
  };
  /// The parts of `text`. `normalized`: those tokens that are looked for in normalized text, otherwise the
  /// others; `control`: also control tokens.
  std::vector<Part> split(std::string_view text, bool normalized, bool control) const;

 private:
  struct Group {
    PrefixTrie trie;  // to positions in data.pipeline.added
    bool empty = true;
  };
  const Group& group(bool normalized, bool control) const { return groups_[normalized * 2u + control]; }
  bool is_whole_word(std::string_view text, std::size_t begin, std::size_t end) const;

  const TokenizerData& data_;
  std::array<Group, 4> groups_;
};

/// `text` without the white space that the tokens beside it take.
std::string_view trim_beside(const TokenizerPipeline& pipeline, std::optional<TokenId> before,
                             std::string_view text, std::optional<TokenId> behind);

}  // namespace lathe
