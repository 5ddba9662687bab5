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
// The cache is one buffer, [layers, pages, 2, kv_heads, kPageTokens * head_dim] of f32 or f16. In a page of
// one head
//   keys   [head_dim][kPageTokens]   transposed: positions are lanes when scores are computed
//   values [kPageTokens][head_dim]
// A page holds kPageTokens consecutive positions that start at a multiple of kPageTokens.
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

}  // namespace lathe
