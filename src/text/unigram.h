// Unigram: of all ways to cut a word into tokens the one whose scores add up best.
#pragma once

#include "text/prefix_trie.h"
#include "text/word_model.h"

namespace lathe {

class Unigram final : public WordModel {
 public:
  /// Throws Error(invalid_model) for scores that are too few or not numbers. `data` must outlive this.
  explicit Unigram(const TokenizerData& data);

  /// Time is the text's length times that of the longest token.
  void encode(std::string_view text, std::span<const Word> words, bool control,
              std::vector<TokenId>& ids) const override;

 private:
  struct Step {  // the best way to get to a place in the word
    double score = 0;
    std::size_t begin = 0;  // of its last token
    TokenId id = -1;        // kNone: there is no way yet; kUnknown: no token
  };
  void find_path(std::string_view word, bool control, std::vector<Step>& path) const;
  void append_unknown(std::string_view text, bool control, std::vector<TokenId>& ids) const;
  bool may_make(TokenId id, bool control) const;

  const TokenizerData& data_;
  PrefixTrie trie_;
  ByteTokens byte_tokens_;
  double unknown_score_ = 0;
};

}  // namespace lathe
