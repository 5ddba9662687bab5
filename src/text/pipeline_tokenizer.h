// The tokenizer of a tokenizer.json: added tokens are found, the text between them is normalized, cut into
// words, and the words are made tokens by a model.
#pragma once

#include <memory>
#include <vector>

#include "text/added_tokens.h"
#include "text/normalizer.h"
#include "text/text_decoder.h"
#include "text/tokenizer.h"
#include "text/word_model.h"
#include "text/word_splitter.h"

namespace lathe {

class PipelineTokenizer final : public Tokenizer {
 public:
  explicit PipelineTokenizer(TokenizerData data);

  TokenizerTables tables() const override { return model_->tables(); }

  std::unique_ptr<TextDecoder> make_decoder(bool special, bool continues) const override;
  /// As in the middle of a text.
  std::string piece(TokenId id, bool special) const override;

 protected:
  void encode_parts(std::string_view text, const EncodeOptions& options,
                    std::vector<TokenId>& ids) const override;

  void encode_text(std::string_view text, bool first, std::vector<TokenId>& ids) const override {
    encode_plain(text, first, false, ids);
  }
  std::string normal_piece(std::string_view token) const override { return std::string(token); }

 private:
  /// `first`: it begins the whole text.
  void encode_plain(std::string_view text, bool first, bool control, std::vector<TokenId>& ids) const;

  Normalizer normalizer_;
  WordSplitter splitter_;
  AddedTokens added_;
  DecoderFactory decoders_;
  std::unique_ptr<const WordModel> model_;
  bool asks_for_first_;
};

}  // namespace lathe
