#include "text/byte_bpe_tokenizer.h"

#include <bit>

#include "base/error.h"

namespace lathe {
namespace {

const PreTokenizer& require_pre_tokenizer(const std::string& name) {
  const PreTokenizer* found = find_pre_tokenizer(name);
  if (!found) throw Error(ErrorCode::unsupported, "pre-tokenizer '" + printable(name) + "' is not known");
  return *found;
}

}  // namespace

MergeTable::MergeTable(const TokenizerData& data, std::size_t count) {
  if (data.tables != nullptr && !data.tables->merges.empty()) {
    slots_ = data.tables->merges;
    return;
  }
  own_.resize(std::bit_ceil(count * 2 + 2));
  slots_ = own_;
}

std::size_t MergeTable::slot_of(TokenId left, TokenId right) const {
  std::uint64_t key = static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
  key *= 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio spreads neighbouring ids
  std::size_t at = static_cast<std::size_t>(key ^ key >> 32) & (slots_.size() - 1);
  while (slots_[at].left >= 0 && (slots_[at].left != left || slots_[at].right != right))
    at = (at + 1) & (slots_.size() - 1);
  return at;
}

bool MergeTable::insert(TokenId left, TokenId right, Merge merge) {
  MergeSlot& slot = own_[slot_of(left, right)];
  if (slot.left >= 0) return false;
  slot = {left, right, merge.key, merge.id};
  return true;
}

std::optional<Merge> MergeTable::find(TokenId left, TokenId right) const {
  const MergeSlot& slot = slots_[slot_of(left, right)];
  if (slot.left < 0) return std::nullopt;
  return Merge{slot.key, slot.result};
}

ByteBpeTokenizer::ByteBpeTokenizer(TokenizerData data)
    : Tokenizer(std::move(data)),
      pre_tokenizer_(require_pre_tokenizer(data_.pre_tokenizer)),
      vocabulary_(data_, {TokenKind::normal, TokenKind::user_defined}),
      merges_(data_, data_.merges.size()) {
  read_merges();
}

void ByteBpeTokenizer::read_merges() {
  for (unsigned b = 0; b < 256; ++b)
    byte_ids_[b] = vocabulary_.find(letters_.letter(static_cast<unsigned char>(b))).value_or(-1);
  if (merges_.ready()) return;
  std::string joined;
  const auto insert = [&](std::string_view merge, std::size_t rank) {
    const std::size_t space = merge.find(' ');
    if (space == std::string_view::npos || merge.find(' ', space + 1) != std::string_view::npos) return false;
    joined.assign(merge, 0, space).append(merge, space + 1);
    const auto left = vocabulary_.find(merge.substr(0, space));
    const auto right = vocabulary_.find(merge.substr(space + 1));
    const auto result = vocabulary_.find(joined);
    return left && right && result &&
           merges_.insert(*left, *right, {static_cast<std::uint32_t>(rank), *result});
  };
  std::size_t ignored = 0;
  for (std::size_t rank = 0; rank < data_.merges.size(); ++rank) ignored += !insert(data_.merges[rank], rank);
  if (ignored > 0)
    warnings_.push_back(std::to_string(ignored) + " of " + std::to_string(data_.merges.size()) +
                        " merges are ignored: malformed, repeated, or of unknown tokens");
}

void ByteBpeTokenizer::encode_text(std::string_view text, bool, std::vector<TokenId>& ids) const {
  std::vector<std::size_t> ends;
  pre_tokenizer_.split(text, ends);
  SymbolMerger merger;
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    encode_word(text.substr(begin, end - begin), merger, ids);
    begin = end;
  }
}

/// The token that is all of `word`.
std::optional<TokenId> ByteBpeTokenizer::find_word(std::string_view word) const {
  if (word.size() > vocabulary_.longest()) return std::nullopt;
  std::string letters;
  for (const char byte : word) letters += letters_.letter(static_cast<unsigned char>(byte));
  return vocabulary_.find(letters);
}

void ByteBpeTokenizer::encode_word(std::string_view word, SymbolMerger& merger,
                                   std::vector<TokenId>& ids) const {
  if (pre_tokenizer_.whole_words) {
    if (const auto id = find_word(word)) {
      ids.push_back(*id);
      return;
    }
  }
  merger.clear();
  for (std::size_t i = 0; i < word.size(); ++i)
    merger.add(static_cast<std::uint32_t>(i), 1, byte_ids_[static_cast<unsigned char>(word[i])]);
  merger.merge([this](const Symbol& left, const Symbol& right) -> std::optional<Merge> {
    if (left.id < 0 || right.id < 0) return std::nullopt;
    return merges_.find(left.id, right.id);
  });
  merger.for_each([&](const Symbol& symbol) {
    // A byte that the vocabulary lacks is lost: its unknown token often is the one that ends a text.
    if (symbol.id >= 0) ids.push_back(symbol.id);
  });
}

std::string ByteBpeTokenizer::normal_piece(std::string_view token) const { return letters_.bytes(token); }

}  // namespace lathe
