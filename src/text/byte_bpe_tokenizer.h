// Byte-level BPE: text is cut into words, each word starts as its bytes, and pairs merge in the order of the
// list.
#pragma once

#include <array>
#include <vector>

#include "text/byte_letters.h"
#include "text/pre_tokenizer.h"
#include "text/symbol_merger.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

namespace lathe {

/// (left, right) -> merge; made here, at most half full, or taken from TokenizerData::tables.
class MergeTable {
 public:
  MergeTable(const TokenizerData& data, std::size_t count);
  MergeTable(const MergeTable&) = delete;
  MergeTable& operator=(const MergeTable&) = delete;
  /// The table was taken: nothing is to be inserted.
  bool ready() const { return own_.empty(); }
  std::span<const MergeSlot> slots() const { return slots_; }
  /// False where the pair is there already: its first merge stays.
  bool insert(TokenId left, TokenId right, Merge merge);
  std::optional<Merge> find(TokenId left, TokenId right) const;

 private:
  std::size_t slot_of(TokenId left, TokenId right) const;
  std::vector<MergeSlot> own_;
  std::span<const MergeSlot> slots_;
};

class ByteBpeTokenizer final : public Tokenizer {
 public:
  /// Merges that have not exactly two parts, whose parts or result are not tokens of plain text, or whose
  /// pair came before, are ignored and counted in a warning.
  explicit ByteBpeTokenizer(TokenizerData data);

  TokenizerTables tables() const override {
    return {vocabulary_.slots(), vocabulary_.longest(), merges_.slots()};
  }

 protected:
  void encode_text(std::string_view text, bool first, std::vector<TokenId>& ids) const override;
  std::string normal_piece(std::string_view token) const override;

 private:
  void read_merges();
  std::optional<TokenId> find_word(std::string_view word) const;
  void encode_word(std::string_view word, SymbolMerger& merger, std::vector<TokenId>& ids) const;

  ByteLetters letters_;
  const PreTokenizer& pre_tokenizer_;
  Vocabulary vocabulary_;  // control tokens stay out, so that nothing can make one of plain text
  MergeTable merges_;
  std::array<TokenId, 256> byte_ids_;  // -1: the vocabulary lacks the byte
};

}  // namespace lathe
