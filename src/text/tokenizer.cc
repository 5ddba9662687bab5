#include "text/tokenizer.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "text/byte_bpe_tokenizer.h"
#include "text/pipeline_tokenizer.h"
#include "text/spm_bpe_tokenizer.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

namespace lathe {
namespace {

constexpr std::size_t kMostBytes = std::numeric_limits<std::int32_t>::max();

void require_id(const TokenizerData& data, std::optional<TokenId> id, const char* what) {
  if (!id || (*id >= 0 && static_cast<std::size_t>(*id) < data.tokens.size())) return;
  throw Error(ErrorCode::invalid_model, std::string(what) + " token " + std::to_string(*id) +
                                            " is not one of the vocabulary's " +
                                            std::to_string(data.tokens.size()));
}

TokenizerData checked(TokenizerData data) {
  if (data.tokens.empty()) throw Error(ErrorCode::invalid_model, "the vocabulary is empty");
  if (data.tokens.size() > kMostBytes)
    throw Error(ErrorCode::invalid_model, "the vocabulary is over 2^31 - 1 tokens");
  if (data.kinds.size() != data.tokens.size()) {
    throw Error(ErrorCode::invalid_model, std::to_string(data.tokens.size()) + " tokens, but " +
                                              std::to_string(data.kinds.size()) + " token types");
  }
  require_id(data, data.bos, "BOS");
  require_id(data, data.eos, "EOS");
  require_id(data, data.unknown, "unknown");
  require_id(data, data.padding, "padding");
  for (const TokenId id : data.end_ids) require_id(data, id, "end");
  for (const AddedToken& token : data.pipeline.added) require_id(data, token.id, "added");
  for (const TokenId id : data.pipeline.before) require_id(data, id, "first");
  for (const TokenId id : data.pipeline.after) require_id(data, id, "last");
  if (data.add_bos && !data.bos)
    throw Error(ErrorCode::invalid_model, "BOS is to be added, but there is none");
  if (data.add_eos && !data.eos)
    throw Error(ErrorCode::invalid_model, "EOS is to be added, but there is none");
  return data;
}

/// Every token gives its piece, but the first space may be the one that encode put before the text.
class PieceDecoder final : public TextDecoder {
 public:
  PieceDecoder(const Tokenizer& tokenizer, bool special, bool strip_space)
      : tokenizer_(tokenizer), special_(special), strip_space_(strip_space) {}

  void push(TokenId id, std::vector<DecodedToken>& out) override {
    std::string piece = tokenizer_.piece(id, special_);
    if (strip_space_ && !piece.empty()) {
      if (piece.front() == ' ') piece.erase(0, 1);
      strip_space_ = false;
    }
    out.push_back({id, std::move(piece)});
  }
  void finish(std::vector<DecodedToken>&) override {}

 private:
  const Tokenizer& tokenizer_;
  bool special_, strip_space_;
};

}  // namespace

Tokenizer::Tokenizer(TokenizerData data)
    : data_(checked(std::move(data))),
      warnings_(data_.warnings),
      user_defined_(data_, {TokenKind::user_defined}),
      all_special_(data_, {TokenKind::user_defined, TokenKind::control, TokenKind::unknown}) {}

std::vector<TokenId> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  if (text.size() > kMostBytes)
    throw Error(ErrorCode::invalid_argument,
                "a text of " + std::to_string(text.size()) + " bytes is over 2^31 - 1");
  const std::string repaired = is_utf8(text) ? std::string() : to_utf8(text);
  std::vector<TokenId> ids;
  encode_parts(repaired.empty() ? text : repaired, options, ids);
  if (!options.add_special) return ids;
  const std::vector<TokenId> before = data_.ids_before();
  const std::vector<TokenId> after = data_.ids_after();
  // A template that writes BOS itself must not lead to two.
  const bool begun = ids.size() >= before.size() && std::equal(before.begin(), before.end(), ids.begin());
  const bool ended = ids.size() >= after.size() && std::equal(after.rbegin(), after.rend(), ids.rbegin());
  if (!begun) ids.insert(ids.begin(), before.begin(), before.end());
  if (!ended) ids.insert(ids.end(), after.begin(), after.end());
  return ids;
}

void Tokenizer::encode_parts(std::string_view text, const EncodeOptions& options,
                             std::vector<TokenId>& ids) const {
  const SpecialTokens& special = options.parse_special ? all_special_ : user_defined_;
  bool first = true;
  for (std::size_t at = 0; at < text.size();) {
    const auto match = special.find(text, at);
    const std::size_t end = match ? match->begin : text.size();
    if (end > at) encode_text(text.substr(at, end - at), first, ids);
    if (!match) return;
    ids.push_back(match->id);
    at = match->begin + match->length;
    first = true;
  }
}

void Tokenizer::require_token(TokenId id) const {
  if (id >= 0 && static_cast<std::size_t>(id) < data_.tokens.size()) return;
  throw Error(ErrorCode::invalid_argument, "token " + std::to_string(id) +
                                               " is not one of the vocabulary's " +
                                               std::to_string(data_.tokens.size()));
}

std::string Tokenizer::piece(TokenId id, bool special) const {
  require_token(id);
  const std::string& token = data_.tokens[static_cast<std::size_t>(id)];
  switch (data_.kinds[static_cast<std::size_t>(id)]) {
    case TokenKind::normal:
      return normal_piece(token);
    case TokenKind::user_defined:
      return token;
    case TokenKind::byte:
      // A byte token that names no byte is like any other text.
      if (const auto byte = byte_of_token(token)) return std::string(1, static_cast<char>(*byte));
      return normal_piece(token);
    case TokenKind::control:
    case TokenKind::unknown:
    case TokenKind::unused:
      break;
  }
  return special ? token : std::string();
}

std::unique_ptr<TextDecoder> Tokenizer::make_decoder(bool special, bool continues) const {
  return std::make_unique<PieceDecoder>(*this, special, data_.add_space_prefix && !continues);
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool special) const {
  const auto decoder = make_decoder(special, false);
  std::vector<DecodedToken> parts;
  std::string bytes;
  const auto take = [&] {
    for (const DecodedToken& part : parts) bytes += part.bytes;
    parts.clear();
  };
  for (const TokenId id : ids) {
    decoder->push(id, parts);
    take();
  }
  decoder->finish(parts);
  take();
  return is_utf8(bytes) ? bytes : to_utf8(bytes);
}

std::unique_ptr<Tokenizer> make_tokenizer(TokenizerData data) {
  switch (data.model) {
    case TokenizerModel::byte_bpe:
      return std::make_unique<ByteBpeTokenizer>(std::move(data));
    case TokenizerModel::spm_bpe:
      return std::make_unique<SpmBpeTokenizer>(std::move(data));
    case TokenizerModel::bpe:
    case TokenizerModel::unigram:
    case TokenizerModel::word_piece:
      return std::make_unique<PipelineTokenizer>(std::move(data));
  }
  throw Error(ErrorCode::unsupported, "unknown kind of tokenizer");
}

}  // namespace lathe
