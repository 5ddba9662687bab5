#include "text/word_model.h"

#include "base/error.h"
#include "text/bpe.h"
#include "text/unigram.h"
#include "text/vocabulary.h"
#include "text/word_piece.h"

namespace lathe {

std::vector<bool> tokens_of_model(const TokenizerData& data) {
  std::vector<bool> usable(data.tokens.size());
  for (std::size_t i = 0; i < usable.size(); ++i)
    usable[i] = !data.tokens[i].empty() && data.kinds[i] != TokenKind::unused;
  for (const AddedToken& token : data.pipeline.added)
    if (!token.in_model) usable[static_cast<std::size_t>(token.id)] = false;
  return usable;
}

ByteTokens find_byte_tokens(const TokenizerData& data, const std::vector<bool>& usable) {
  ByteTokens ids;
  ids.fill(-1);
  for (std::size_t i = 0; i < usable.size(); ++i) {
    const auto byte = usable[i] ? byte_of_token(data.tokens[i]) : std::nullopt;
    const bool lower_case = data.tokens[i].find_first_of("abcdef") != std::string::npos;
    if (byte && !lower_case) ids[*byte] = static_cast<TokenId>(i);
  }
  return ids;
}

bool append_bytes(const ByteTokens& tokens, std::string_view text, std::vector<TokenId>& ids) {
  for (const char c : text)
    if (tokens[static_cast<unsigned char>(c)] < 0) return false;
  for (const char c : text) ids.push_back(tokens[static_cast<unsigned char>(c)]);
  return true;
}

TokenId unknown_token(const TokenizerData& data, std::string_view text) {
  if (data.pipeline.unknown) return *data.pipeline.unknown;
  throw Error(ErrorCode::invalid_model, "'" + printable(text, 64) +
                                            "' is no token, and the vocabulary has no '" +
                                            data.pipeline.unknown_text + "' for it");
}

std::unique_ptr<const WordModel> make_word_model(const TokenizerData& data) {
  switch (data.model) {
    case TokenizerModel::bpe:
      return std::make_unique<Bpe>(data);
    case TokenizerModel::unigram:
      return std::make_unique<Unigram>(data);
    case TokenizerModel::word_piece:
      return std::make_unique<WordPiece>(data);
    default:
      break;
  }
  throw Error(ErrorCode::unsupported, "this kind of tokenizer has no pipeline");
}

}  // namespace lathe
