// BPE of a tokenizer.json: a word starts as its characters, and neighbours merge by the order of the list.
#pragma once

#include "text/byte_bpe_tokenizer.h"
#include "text/symbol_merger.h"
#include "text/vocabulary.h"
#include "text/word_model.h"

namespace lathe {

class Bpe final : public WordModel {
 public:
  /// `data` must outlive this.
  explicit Bpe(const TokenizerData& data);

  void encode(std::string_view text, std::span<const Word> words, bool control,
              std::vector<TokenId>& ids) const override;
  TokenizerTables tables() const override {
    return {vocabulary_.slots(), vocabulary_.longest(), merges_.slots()};
  }

 private:
  struct Scratch {
    SymbolMerger merger;
    std::vector<TokenId> bytes;
    std::string text;
  };
  bool may_make(TokenId id, bool control) const;
  void encode_word(std::string_view word, bool control, Scratch& scratch, std::vector<TokenId>& ids) const;
  /// The symbols that a word starts as.
  void add_characters(std::string_view word, bool control, Scratch& scratch) const;

  const TokenizerData& data_;
  Vocabulary vocabulary_;
  MergeTable merges_;
  ByteTokens byte_tokens_;
};

}  // namespace lathe
