// Ids to text one by one. What a token gives may depend on the ones before it, and in a few vocabularies on
// those behind it, so that its text comes later.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/tokenizer_data.h"

namespace lathe {

struct DecodedToken {
  TokenId id = -1;
  std::string bytes;  // possibly a part of a character; may be empty
};

class TextDecoder {
 public:
  virtual ~TextDecoder() = default;
  /// Appends what is known now; every id comes out once, in order.
  virtual void push(TokenId id, std::vector<DecodedToken>& out) = 0;
  virtual void finish(std::vector<DecodedToken>& out) = 0;
};

/// Stages of decoders of a tokenizer.json. Made once; makes a decoder for each text.
class DecoderFactory {
 public:
  /// Throws Error(unsupported) for an order of steps that cannot be read from left to right. `data` must
  /// outlive this and its decoders.
  explicit DecoderFactory(const TokenizerData& data);
  ~DecoderFactory();

  /// `continues`: the ids follow others.
  std::unique_ptr<TextDecoder> make(bool special, bool continues) const;

  class Stage;

 private:
  const TokenizerData& data_;
  std::vector<std::unique_ptr<const Stage>> stages_;
};

}  // namespace lathe
