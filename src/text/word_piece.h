// WordPiece: of each word the longest token that it begins with, then of the rest the longest token with "##"
// before it, and so on. A word that cannot be cut so is the unknown token.
#pragma once

#include "text/prefix_trie.h"
#include "text/tokenizer_data.h"
#include "text/word_model.h"

namespace lathe {

class WordPiece final : public WordModel {
 public:
  /// Of the pipeline it takes continuing_prefix and longest_word. Throws Error(invalid_model) where there is
  /// no unknown token. `data` must outlive this.
  explicit WordPiece(const TokenizerData& data);

  void encode(std::string_view text, std::span<const Word> words, bool control,
              std::vector<TokenId>& ids) const override;

 private:
  bool encode_word(std::string_view word, bool control, std::vector<TokenId>& ids) const;

  const TokenizerData& data_;
  PrefixTrie first_, next_;  // tokens that begin a word; that go on
};

}  // namespace lathe
