// Tokenizers small enough to reason about: every byte is a token, and a few merges.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/byte_letters.h"
#include "text/tokenizer.h"

namespace lathe::test {

inline TokenId add_token(TokenizerData& data, std::string text, TokenKind kind, float score = 0) {
  data.tokens.push_back(std::move(text));
  data.kinds.push_back(kind);
  if (data.model == TokenizerModel::spm_bpe) data.scores.push_back(score);
  return static_cast<TokenId>(data.tokens.size() - 1);
}

/// Ids 0 to 255 are the bytes; then <end> (control, EOS), <start> (control, BOS), <tool> (user-defined); then
/// one token for each of `merges` ("a b" makes "ab").
inline TokenizerData byte_data(const std::vector<std::string>& merges = {}) {
  TokenizerData data;
  data.pre_tokenizer = "smollm";
  const ByteLetters letters;
  for (unsigned b = 0; b < 256; ++b)
    add_token(data, letters.letter(static_cast<unsigned char>(b)), TokenKind::normal);
  data.eos = add_token(data, "<end>", TokenKind::control);
  data.bos = add_token(data, "<start>", TokenKind::control);
  add_token(data, "<tool>", TokenKind::user_defined);
  for (const std::string& merge : merges) {
    const std::size_t space = merge.find(' ');
    add_token(data, merge.substr(0, space) + merge.substr(space + 1), TokenKind::normal);
  }
  data.merges = merges;
  return data;
}

/// Ids 0 to 255 are <0x00> to <0xFF>; then <end>, <start>, <tool> as above; then `pieces`, the first the
/// best.
inline TokenizerData spm_data(const std::vector<std::string>& pieces = {}) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  TokenizerData data;
  data.model = TokenizerModel::spm_bpe;
  for (unsigned b = 0; b < 256; ++b)
    add_token(data, std::string("<0x") + kHex[b >> 4] + kHex[b & 15] + '>', TokenKind::byte);
  data.eos = add_token(data, "<end>", TokenKind::control);
  data.bos = add_token(data, "<start>", TokenKind::control);
  add_token(data, "<tool>", TokenKind::user_defined);
  float score = 0;
  for (const std::string& piece : pieces) add_token(data, piece, TokenKind::normal, --score);
  return data;
}

inline constexpr TokenId kEnd = 256;
inline constexpr TokenId kStart = 257;
inline constexpr TokenId kTool = 258;
inline constexpr TokenId kFirst = 259;  // of the merges or pieces

}  // namespace lathe::test
