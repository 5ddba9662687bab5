// Which rows of a step's attention a thread computes. A row is one token and one head; rows of a sequence
// that share a key/value head lie in the order [token][head in group]. A row costs what it sees, so threads
// get parts of equal cost, in the order [sequence][kv head][row]: work that shares keys stays together where
// it can.
#pragma once

#include "backend/cache_layout.h"
#include "cpu/vector/call.h"

namespace lathe::vector {

struct AttentionRows {
  std::int64_t kv_heads;
  std::int64_t group;   // query heads per kv head
  std::int64_t window;  // 0: none
  bool causal;          // else every token sees all tokens of its sequence
};

static constexpr std::int64_t kRowOverhead = 32;  // of a row, in positions

static constexpr std::int64_t first_visible(std::int64_t position, std::int64_t window) {
  return window > 0 && position >= window ? position - window + 1 : 0;
}

/// The last position that token i of the sequence's tokens in this step sees.
static constexpr std::int64_t last_visible(const AttentionRows& rows, const SequenceEntry& sequence,
                                           std::int64_t i) {
  return sequence.past + (rows.causal ? i : sequence.tokens - 1);
}

/// Of the rows of one token and kv head, which sees up to `position`.
static constexpr std::int64_t token_cost(const AttentionRows& rows, std::int64_t position) {
  return rows.group * (position + 1 - first_visible(position, rows.window) + kRowOverhead);
}

/// Of the rows of one kv head.
static constexpr std::int64_t sequence_cost(const AttentionRows& rows, const SequenceEntry& sequence) {
  std::int64_t cost = 0;
  for (std::int64_t i = 0; i < sequence.tokens; ++i)
    cost += token_cost(rows, last_visible(rows, sequence, i));
  return cost;
}

/// Rows of one kv head whose cost begins in `wanted`, if the head's first row begins at `start`.
static constexpr Range rows_in(const AttentionRows& rows, const SequenceEntry& sequence, std::int64_t start,
                               const Range& wanted) {
  const std::int64_t count = sequence.tokens * rows.group;
  Range found{count, count};
  std::int64_t at = start;
  for (std::int64_t row = 0; row < count; ++row) {
    if (at >= wanted.begin && found.begin == count) found.begin = row;
    if (at >= wanted.end) {
      found.end = row;
      break;
    }
    at += token_cost(rows, last_visible(rows, sequence, row / rows.group)) / rows.group;
  }
  return found;
}

/// visit(sequence, kv_head, rows) for each part of this thread.
template <class Visit>
void share_attention(const KernelCall& call, const AttentionRows& rows, const SequenceEntry* sequences,
                     std::int64_t sequence_count, Visit visit) {
  std::int64_t total = 0;
  for (std::int64_t s = 0; s < sequence_count; ++s)
    total += rows.kv_heads * sequence_cost(rows, sequences[s]);
  const Range wanted = share_of(call, total);
  std::int64_t start = 0;
  for (std::int64_t s = 0; s < sequence_count; ++s) {
    const std::int64_t cost = sequence_cost(rows, sequences[s]);
    for (std::int64_t head = 0; head < rows.kv_heads; ++head, start += cost) {
      if (start >= wanted.end || start + cost <= wanted.begin) continue;
      const Range part = rows_in(rows, sequences[s], start, wanted);
      if (part.begin < part.end) visit(sequences[s], head, part);
    }
  }
}

}  // namespace lathe::vector
