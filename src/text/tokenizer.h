// Text to ids and back.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/special_tokens.h"
#include "text/text_decoder.h"
#include "text/tokenizer_data.h"

namespace lathe {

struct EncodeOptions {
  bool add_special = true;     // BOS and EOS where the model asks for them, never twice
  bool parse_special = false;  // control tokens written in the text become their ids; user text stays text
  bool continues = false;      // other ids stand before the text (pipelines ask; GGUF's rules do not)
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  /// O(n log n) in the text, constant stack; broken UTF-8 is read as U+FFFD. Without parse_special no control
  /// token can come out of the text. Throws Error(invalid_argument) over 2^31 - 1 bytes, before any work.
  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options = {}) const;

  /// The bytes of one token, possibly a part of a character. Control tokens are empty unless `special`.
  /// Throws Error(invalid_argument) for an id outside the vocabulary.
  virtual std::string piece(TokenId id, bool special) const;
  std::string piece(TokenId id) const { return piece(id, false); }

  /// For a stream of ids; `continues`: they follow others, so that a first space belongs to the text. Its
  /// texts together are decode of all ids, but for broken UTF-8.
  virtual std::unique_ptr<TextDecoder> make_decoder(bool special, bool continues) const;

  /// The text of ids; broken UTF-8 becomes U+FFFD.
  std::string decode(std::span<const TokenId> ids, bool special = false) const;

  const TokenizerData& data() const { return data_; }
  /// Those it looks tokens up in, which last as long as it does.
  virtual TokenizerTables tables() const { return {}; }
  /// One line each: what in the data is odd but was accepted.
  const std::vector<std::string>& warnings() const { return warnings_; }
  std::size_t vocabulary_size() const { return data_.tokens.size(); }

 protected:
  /// Throws Error(invalid_model) for data that contradicts itself.
  explicit Tokenizer(TokenizerData data);

  /// Appends the ids of `text`, whole characters, with no BOS and EOS: finds tokens that stand in it, and
  /// gives what lies between them to encode_text.
  virtual void encode_parts(std::string_view text, const EncodeOptions& options,
                            std::vector<TokenId>& ids) const;
  /// Appends the ids of plain `text`, whole characters; `first`: nothing or a special token stands before it.
  virtual void encode_text(std::string_view text, bool first, std::vector<TokenId>& ids) const = 0;
  /// The bytes of a token of kind normal.
  virtual std::string normal_piece(std::string_view token) const = 0;
  void require_token(TokenId id) const;

  const TokenizerData data_;
  std::vector<std::string> warnings_;

 private:
  SpecialTokens user_defined_;
  SpecialTokens all_special_;  // and control tokens
};

/// Throws Error(unsupported) naming an unknown pre-tokenizer, Error(invalid_model) for data that contradicts
/// itself.
std::unique_ptr<Tokenizer> make_tokenizer(TokenizerData data);

}  // namespace lathe
