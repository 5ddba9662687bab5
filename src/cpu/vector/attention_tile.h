// The two products of attention on register tiles of up to 6 rows: scores = queries x keys, outputs += p x
// values. Per output one chain of fused multiply-adds, over ascending d and over ascending visible slots.
#pragma once

#include "backend/cache_layout.h"
#include "cpu/vector/call.h"

namespace lathe::vector {

static constexpr std::int64_t kStripRows = 6;

/// A few rows that go through the registers together, in one chunk.
struct AttentionStrip {
  const float* const* queries;  // [rows]
  float* const* outputs;        // [rows]
  float* scores;                // [rows][kPageTokens], then probabilities
  const std::int32_t* begin;    // [rows] visible slots; begin >= end: none
  const std::int32_t* end;
  const float* keep;  // [rows] factor of what the output holds
  const float* add;   // [rows] factor of this chunk
  const bool* first;  // [rows] the output holds nothing yet
  std::int64_t rows;
  std::int64_t head_dim;
  std::int64_t lowest;        // of begin, over rows that see any
  std::int64_t highest;       // of end
  std::int64_t common_begin;  // every row sees [common_begin, common_end), which may be empty
  std::int64_t common_end;
};

/// Scores of kVectors * 16 slots; `keys` [head_dim][kPageTokens] and `scores` start at the first of them.
template <class V, int kRows, int kVectors, class Element>
[[gnu::noinline]] void compute_scores(const AttentionStrip& strip, const Element* keys, float* scores) {
  const float* queries[kRows];
  V sums[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    queries[r] = strip.queries[r];
    for (int v = 0; v < kVectors; ++v) sums[r][v] = V{};
  }
  for (std::int64_t d = 0; d < strip.head_dim; ++d, keys += kPageTokens) {
    V key[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) key[v] = load(V{}, keys + v * kLanes);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      const V query = broadcast(V{}, queries[r][d]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r][v] = fma(query, key[v], sums[r][v]);
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) store(scores + r * kPageTokens + v * kLanes, sums[r][v]);
}

/// Merges the weighted sums of kVectors * 16 columns from `column` on into the outputs. If kPartial, of
/// `count` columns.
template <class V, int kRows, int kVectors, bool kPartial, class Element>
[[gnu::noinline]] void add_values(const AttentionStrip& strip, const Element* values, std::int64_t column,
                                  std::int64_t count) {
  const auto load_value = [&](const Element* source) {
    if constexpr (kPartial)
      return load_first(V{}, source, count);
    else
      return load(V{}, source);
  };
  V sums[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) sums[r][v] = V{};
  const float* scores = strip.scores;
  const std::int64_t head_dim = strip.head_dim;
  values += column;

  // Where not all rows see a slot, those that do not must not touch it: it may hold NaN.
  const auto add_ragged = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t j = begin; j < end; ++j)
      for (int r = 0; r < kRows; ++r) {
        if (j < strip.begin[r] || j >= strip.end[r]) continue;
        const V p = broadcast(V{}, scores[r * kPageTokens + j]);
        for (int v = 0; v < kVectors; ++v)
          sums[r][v] = fma(p, load_value(values + j * head_dim + v * kLanes), sums[r][v]);
      }
  };
  const bool has_common = strip.common_begin < strip.common_end;
  add_ragged(strip.lowest, has_common ? strip.common_begin : strip.highest);
  if (has_common) {
    for (std::int64_t j = strip.common_begin; j < strip.common_end; ++j) {
      V value[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) value[v] = load_value(values + j * head_dim + v * kLanes);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r) {
        const V p = broadcast(V{}, scores[r * kPageTokens + j]);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sums[r][v] = fma(p, value[v], sums[r][v]);
      }
    }
    add_ragged(strip.common_end, strip.highest);
  }

  for (int r = 0; r < kRows; ++r) {
    if (strip.begin[r] >= strip.end[r]) continue;
    float* output = strip.outputs[r] + column;
    const V keep = broadcast(V{}, strip.keep[r]);
    const V add = broadcast(V{}, strip.add[r]);
    for (int v = 0; v < kVectors; ++v, output += kLanes) {
      const std::int64_t lanes = kPartial ? count : kLanes;
      const V total =
          strip.first[r] ? sums[r][v] : fma(load_first(V{}, output, lanes), keep, sums[r][v] * add);
      store_first(output, total, lanes);
    }
  }
}

/// compute_scores with as many rows as the strip has and at most kVectors vectors, as often as [begin, end)
/// needs.
template <class V, int kRows, int kVectors, class Element>
void compute_strip_scores(const AttentionStrip& strip, const Element* keys, std::int64_t begin,
                          std::int64_t end) {
  if constexpr (kRows > 1)
    if (strip.rows < kRows) return compute_strip_scores<V, kRows - 1, kVectors>(strip, keys, begin, end);
  for (; begin + kVectors * kLanes <= end; begin += kVectors * kLanes)
    compute_scores<V, kRows, kVectors>(strip, keys + begin, strip.scores + begin);
  if constexpr (kVectors > 1)
    if (begin < end) compute_strip_scores<V, kRows, kVectors - 1>(strip, keys, begin, end);
}

/// The same for add_values and the columns from `column` on.
template <class V, int kRows, int kVectors, class Element>
void add_strip_values(const AttentionStrip& strip, const Element* values, std::int64_t column) {
  if constexpr (kRows > 1)
    if (strip.rows < kRows) return add_strip_values<V, kRows - 1, kVectors>(strip, values, column);
  const std::int64_t head_dim = strip.head_dim;
  for (; column + kVectors * kLanes <= head_dim; column += kVectors * kLanes)
    add_values<V, kRows, kVectors, false>(strip, values, column, kLanes);
  if (column == head_dim) return;
  if constexpr (kVectors > 1)
    add_strip_values<V, kRows, kVectors - 1>(strip, values, column);
  else
    add_values<V, kRows, 1, true>(strip, values, column, head_dim - column);
}

}  // namespace lathe::vector
