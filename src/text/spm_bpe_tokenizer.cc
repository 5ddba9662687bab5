#include "text/spm_bpe_tokenizer.h"

#include <bit>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "text/symbol_merger.h"
#include "text/utf8.h"

namespace lathe {
namespace {

constexpr std::string_view kSpace = "\xE2\x96\x81";  // U+2581
/// Longer tokens are never made by merging: looking a pair up costs as much as it is long.
constexpr std::size_t kLongestMerge = 4096;

/// Orders as the scores do, best first; -0 and 0 alike.
std::uint32_t key_of(float score) {
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0f);
  const std::uint32_t ascending = bits >> 31 ? ~bits : bits | 0x80000000u;
  return ~ascending;
}

std::string escape_spaces(std::string_view text, bool prefix) {
  std::size_t spaces = prefix ? 1 : 0;
  for (const char c : text) spaces += c == ' ';
  const std::size_t size = text.size() + 2 * spaces + (prefix ? 1 : 0);
  if (size > std::numeric_limits<std::int32_t>::max())
    throw Error(ErrorCode::invalid_argument, "the text with its spaces escaped is over 2^31 - 1 bytes");
  std::string out;
  out.reserve(size);
  if (prefix) out += kSpace;
  for (const char c : text) {
    if (c == ' ') {
      out += kSpace;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

SpmBpeTokenizer::SpmBpeTokenizer(TokenizerData data)
    : Tokenizer(std::move(data)), vocabulary_(data_, {TokenKind::normal, TokenKind::user_defined}) {
  if (data_.scores.size() != data_.tokens.size()) {
    throw Error(ErrorCode::invalid_model, std::to_string(data_.tokens.size()) + " tokens, but " +
                                              std::to_string(data_.scores.size()) + " scores");
  }
  keys_.reserve(data_.scores.size());
  for (std::size_t i = 0; i < data_.scores.size(); ++i) {
    if (std::isnan(data_.scores[i]))
      throw Error(ErrorCode::invalid_model, "the score of token " + std::to_string(i) + " is not a number");
    keys_.push_back(key_of(static_cast<float>(data_.scores[i])));
  }
  byte_ids_.fill(-1);
  for (std::size_t i = 0; i < data_.tokens.size(); ++i) {
    if (data_.kinds[i] != TokenKind::byte) continue;
    const auto byte = byte_of_token(data_.tokens[i]);
    if (byte && byte_ids_[*byte] < 0) byte_ids_[*byte] = static_cast<TokenId>(i);
  }
}

void SpmBpeTokenizer::encode_text(std::string_view text, bool first, std::vector<TokenId>& ids) const {
  const std::string escaped = escape_spaces(text, first && data_.add_space_prefix);
  const std::string_view view = escaped;
  SymbolMerger merger;
  for (std::size_t i = 0; i < view.size();) {
    const std::size_t length = rune_at(view, i).length;
    merger.add(static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(length),
               vocabulary_.find(view.substr(i, length)).value_or(-1));
    i += length;
  }
  merger.merge([&](const Symbol& left, const Symbol& right) -> std::optional<Merge> {
    const std::size_t length = left.length + right.length;
    if (length > kLongestMerge) return std::nullopt;
    const auto id = vocabulary_.find(view.substr(left.begin, length));
    if (!id) return std::nullopt;
    return Merge{keys_[static_cast<std::size_t>(*id)], *id};
  });
  merger.for_each([&](const Symbol& symbol) {
    if (symbol.id >= 0) {
      ids.push_back(symbol.id);
    } else {
      encode_bytes(view.substr(symbol.begin, symbol.length), ids);
    }
  });
}

void SpmBpeTokenizer::encode_bytes(std::string_view text, std::vector<TokenId>& ids) const {
  bool whole = true;
  for (const char c : text) whole = whole && byte_ids_[static_cast<unsigned char>(c)] >= 0;
  if (whole) {
    for (const char c : text) ids.push_back(byte_ids_[static_cast<unsigned char>(c)]);
  } else if (data_.unknown) {
    ids.push_back(*data_.unknown);
  }
}

std::string SpmBpeTokenizer::normal_piece(std::string_view token) const {
  std::string out;
  for (std::size_t i = 0; i < token.size();) {
    const bool space = token.substr(i, kSpace.size()) == kSpace;
    if (space) {
      out += ' ';
    } else {
      out += token[i];
    }
    i += space ? kSpace.size() : 1;
  }
  return out;
}

}  // namespace lathe
