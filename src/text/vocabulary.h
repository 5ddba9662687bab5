// Finds a token by its text, among the tokens that plain text may become.
// Open addressing over ids: the texts stay where TokenizerData has them, which must outlive this and not
// change. The table is made here, or taken from TokenizerData::tables.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer_data.h"

namespace lathe {

class Vocabulary {
 public:
  /// Takes the tokens of `kinds`; of equal texts the first, and no empty text.
  Vocabulary(const TokenizerData& data, std::vector<TokenKind> kinds);
  /// By id, whether a token is in it.
  Vocabulary(const TokenizerData& data, const std::vector<bool>& usable);
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  std::optional<TokenId> find(std::string_view text) const;

  /// Bytes of the longest token.
  std::size_t longest() const { return longest_; }
  std::span<const VocabularySlot> slots() const { return slots_; }

 private:
  /// True where the table is there already.
  bool take_table(const TokenizerData& data);
  void insert(TokenId id);

  const std::vector<std::string>* tokens_;
  std::vector<VocabularySlot> own_;  // at most half full
  std::span<const VocabularySlot> slots_;
  std::size_t longest_ = 0;
};

/// The byte that a token text such as <0x0A> stands for; empty for any other spelling.
std::optional<unsigned char> byte_of_token(std::string_view text);

}  // namespace lathe
