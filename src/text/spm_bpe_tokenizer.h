// SentencePiece BPE: spaces become U+2581, text starts as its characters, and the pair whose text is the
// token with the best score merges first. What is no token becomes the bytes <0xNN>, or the unknown token.
#pragma once

#include <array>
#include <vector>

#include "text/tokenizer.h"
#include "text/vocabulary.h"

namespace lathe {

class SpmBpeTokenizer final : public Tokenizer {
 public:
  /// Throws Error(invalid_model) for scores that are too few or not numbers.
  explicit SpmBpeTokenizer(TokenizerData data);

  TokenizerTables tables() const override { return {vocabulary_.slots(), vocabulary_.longest(), {}}; }

 protected:
  void encode_text(std::string_view text, bool first, std::vector<TokenId>& ids) const override;
  std::string normal_piece(std::string_view token) const override;

 private:
  void encode_bytes(std::string_view text, std::vector<TokenId>& ids) const;

  Vocabulary vocabulary_;
  std::vector<std::uint32_t> keys_;    // by id: the better the score, the smaller
  std::array<TokenId, 256> byte_ids_;  // -1: the vocabulary lacks the byte
};

}  // namespace lathe
