// How a step's tokens and the cache's pages lie in memory. Plain data, so that ISA files may include it.
//
// A step takes T tokens of Q sequences, packed without padding; the tokens of one sequence are neighbours and
// have ascending positions without gaps. The graph's inputs are:
//   ids          i32[T]
//   positions    i32[T]
//   sequences    i32[Q, 4]   SequenceEntry
//   block_tables i32[B]      page numbers; a sequence's pages start at its first_page_entry, in order of
//   position out_rows     i32[S]      the tokens (0 to T-1) whose logits are asked for
//
// The cache is one buffer, [layers, pages, 2, kv_heads, kPageTokens * head_dim] of f32, f16 or bf16. In a
// page of one head of f32 or f16
//   keys   [head_dim][kPageTokens]   transposed: positions are lanes when scores are computed
//   values [kPageTokens][head_dim]
// and of bf16, as dot products of pairs read them,
//   keys   [head_dim / 2][kPageTokens][2]   columns (2i, 2i + 1); the last of an odd number [kPageTokens]
//   values [kPageTokens / 2][head_dim][2]   positions (2i, 2i + 1)
// A page holds kPageTokens consecutive positions that start at a multiple of kPageTokens. Slots that no token
// has may hold anything.
#pragma once

#include <cstdint>

namespace lathe {

inline constexpr int kPageTokens = 64;

struct SequenceEntry {
  std::int32_t first_token;       // row of its first token in this step
  std::int32_t tokens;            // how many rows
  std::int32_t past;              // position of the first of them: tokens already in the cache
  std::int32_t first_page_entry;  // index into block_tables of the page with position 0
};

/// Where column d of the slot's key lies in a bf16 page of keys.
static constexpr std::int64_t pair_key_index(std::int64_t head_dim, std::int64_t slot, std::int64_t d) {
  const std::int64_t first = d / 2 * 2;
  return first + 1 == head_dim ? d * kPageTokens + slot : first * kPageTokens + 2 * slot + d % 2;
}

/// Where column d of the slot's value lies in a bf16 page of values.
static constexpr std::int64_t pair_value_index(std::int64_t head_dim, std::int64_t slot, std::int64_t d) {
  return 2 * (slot / 2 * head_dim + d) + slot % 2;
}

}  // namespace lathe
