// What a model does inside of words.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "text/tokenizer_data.h"

namespace lathe {

struct Word {
  std::size_t begin = 0;
  std::size_t length = 0;
  bool first = false;  // nothing stands before it, not even what was removed
};

class WordModel {
 public:
  virtual ~WordModel() = default;
  /// Appends the ids of `words` of `text`, which are whole characters. Control tokens come out only if
  /// `control`. Throws Error(invalid_model) where a character is no token and there is no unknown one.
  virtual void encode(std::string_view text, std::span<const Word> words, bool control,
                      std::vector<TokenId>& ids) const = 0;
  virtual TokenizerTables tables() const { return {}; }
};

/// By id: whether the model may make the token, rather than only added tokens being found in the text.
std::vector<bool> tokens_of_model(const TokenizerData& data);

/// By byte, the token <0xNN>; -1 for none.
using ByteTokens = std::array<TokenId, 256>;
ByteTokens find_byte_tokens(const TokenizerData& data, const std::vector<bool>& usable);
/// Appends the tokens of all bytes of `text`; false, and nothing, where one is missing.
bool append_bytes(const ByteTokens& tokens, std::string_view text, std::vector<TokenId>& ids);
/// Throws Error(invalid_model) where there is none for `text`.
TokenId unknown_token(const TokenizerData& data, std::string_view text);

/// Of the kind of data.model; `data` must outlive it.
std::unique_ptr<const WordModel> make_word_model(const TokenizerData& data);

}  // namespace lathe
