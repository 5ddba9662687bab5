// Text to ids and back.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer_data.h"

namespace lathe {

struct EncodeOptions {
  bool add_special = true;      // BOS and EOS where the model asks for them
  bool parse_special = false;   // control tokens written in the text become their ids; user text stays text
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Linear time in the text; broken UTF-8 is read as U+FFFD. Throws Error(invalid_argument) over 2^31 - 1 bytes or ids.
  virtual std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options = {}) const = 0;

  /// The bytes of one token, possibly a part of a character. Control tokens are empty unless `special`.
  /// Throws Error(invalid_argument) for an id outside the vocabulary.
  virtual std::string piece(TokenId id, bool special = false) const = 0;

  /// The text of ids; broken UTF-8 becomes U+FFFD.
  std::string decode(std::span<const TokenId> ids, bool special = false) const;

  const TokenizerData& data() const { return data_; }
  std::size_t vocabulary_size() const { return data_.tokens.size(); }

 protected:
  explicit Tokenizer(TokenizerData data) : data_(std::move(data)) {}
  TokenizerData data_;
};

/// Throws Error(unsupported) naming an unknown pre-tokenizer, Error(invalid_model) for data that contradicts itself.
std::unique_ptr<Tokenizer> make_tokenizer(TokenizerData data);

}  // namespace lathe
