#include "text/word_piece.h"

#include "base/error.h"

namespace lathe {

WordPiece::WordPiece(const TokenizerData& data) : data_(data) {
  if (!data.pipeline.unknown)
    throw Error(ErrorCode::invalid_model, "WordPiece needs an unknown token, and the vocabulary has no '" +
                                              data.pipeline.unknown_text + "'");
  const std::string_view prefix = data.pipeline.continuing_prefix;
  const std::vector<bool> usable = tokens_of_model(data);
  for (std::size_t i = 0; i < data.tokens.size(); ++i) {
    const std::string_view token = data.tokens[i];
    if (!usable[i]) continue;
    first_.insert(token, static_cast<TokenId>(i));
    if (token.starts_with(prefix)) next_.insert(token.substr(prefix.size()), static_cast<TokenId>(i));
  }
}

void WordPiece::encode(std::string_view text, std::span<const Word> words, bool control,
                       std::vector<TokenId>& ids) const {
  for (const Word& word : words) {
    const std::size_t before = ids.size();
    if (encode_word(text.substr(word.begin, word.length), control, ids)) continue;
    ids.resize(before);
    ids.push_back(*data_.pipeline.unknown);
  }
}

bool WordPiece::encode_word(std::string_view word, bool control, std::vector<TokenId>& ids) const {
  std::size_t characters = 0;
  for (const char c : word) characters += (c & 0xC0) != 0x80;
  if (characters > data_.pipeline.longest_word) return false;
  for (std::size_t at = 0; at < word.size();) {
    std::size_t longest = 0;
    TokenId id = -1;
    (at == 0 ? first_ : next_).visit(word.substr(at), [&](std::size_t length, TokenId token) {
      if (!control && is_special(data_.kinds[static_cast<std::size_t>(token)])) return;
      longest = length;
      id = token;
    });
    if (id < 0) return false;
    ids.push_back(id);
    at += longest;
  }
  return true;
}

}  // namespace lathe
