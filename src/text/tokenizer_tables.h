// A tokenizer's lookup tables, as they are used and as plan files hold them: open addressing, a power of two
// of slots, at least one of them free.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "text/tokenizer_pipeline.h"

namespace lathe {

/// Of a text, by the low bits of its hash.
struct VocabularySlot {
  std::uint32_t hash = 0;
  TokenId id = -1;  // -1: free
};

/// Of a pair of tokens.
struct MergeSlot {
  TokenId left = -1, right = -1;  // left -1: free
  std::uint32_t key = 0;          // the less, the earlier it merges
  TokenId result = -1;
};

/// Empty where the tokenizer has no such table.
struct TokenizerTables {
  std::span<const VocabularySlot> vocabulary;
  std::uint64_t longest = 0;  // bytes of the vocabulary's longest token
  std::span<const MergeSlot> merges;
};

}  // namespace lathe
