#include "text/vocabulary.h"

#include <algorithm>
#include <bit>

#include "base/hash.h"

namespace lathe {
namespace {

std::uint32_t hash_of(std::string_view text) {
  const std::uint64_t hash = hash64(text);  // the same in every program: plan files hold the table
  return static_cast<std::uint32_t>(hash ^ hash >> 32);
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  return std::nullopt;
}

}  // namespace

Vocabulary::Vocabulary(const TokenizerData& data, std::vector<TokenKind> kinds) : tokens_(&data.tokens) {
  if (take_table(data)) return;
  for (std::size_t i = 0; i < data.tokens.size(); ++i) {
    if (data.tokens[i].empty()) continue;
    if (std::find(kinds.begin(), kinds.end(), data.kinds[i]) != kinds.end()) insert(static_cast<TokenId>(i));
  }
}

Vocabulary::Vocabulary(const TokenizerData& data, const std::vector<bool>& usable) : tokens_(&data.tokens) {
  if (take_table(data)) return;
  for (std::size_t i = 0; i < usable.size(); ++i)
    if (usable[i]) insert(static_cast<TokenId>(i));
}

bool Vocabulary::take_table(const TokenizerData& data) {
  const bool ready = data.tables != nullptr && !data.tables->vocabulary.empty();
  if (!ready) own_.resize(std::bit_ceil(data.tokens.size() * 2 + 2));
  slots_ = ready ? data.tables->vocabulary : own_;
  if (ready) longest_ = data.tables->longest;
  return ready;
}

void Vocabulary::insert(TokenId id) {
  const std::string& text = (*tokens_)[static_cast<std::size_t>(id)];
  const std::uint32_t hash = hash_of(text);
  std::size_t at = hash & (own_.size() - 1);
  while (own_[at].id >= 0) {
    if (own_[at].hash == hash && (*tokens_)[static_cast<std::size_t>(own_[at].id)] == text) return;
    at = (at + 1) & (own_.size() - 1);
  }
  own_[at] = {hash, id};
  longest_ = std::max(longest_, text.size());
}

std::optional<TokenId> Vocabulary::find(std::string_view text) const {
  if (text.size() > longest_) return std::nullopt;
  const std::uint32_t hash = hash_of(text);
  for (std::size_t at = hash & (slots_.size() - 1); slots_[at].id >= 0; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].hash == hash && (*tokens_)[static_cast<std::size_t>(slots_[at].id)] == text)
      return slots_[at].id;
  }
  return std::nullopt;
}

std::optional<unsigned char> byte_of_token(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text.back() != '>') return std::nullopt;
  const auto high = hex_digit(text[3]);
  const auto low = hex_digit(text[4]);
  if (!high || !low) return std::nullopt;
  return static_cast<unsigned char>(*high << 4 | *low);
}

}  // namespace lathe
