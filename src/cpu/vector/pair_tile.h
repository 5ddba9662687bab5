// The two products of attention over a bf16 cache, on register tiles of up to 6 rows: scores = queries x
// keys, outputs = keep * outputs + weights x values. Per output one chain of dot products of pairs, over
// ascending columns and over ascending positions.
#pragma once

#include "backend/cache_layout.h"
#include "cpu/vector/call.h"

namespace lathe::vector {

static constexpr std::int64_t kPairStripRows = 6;
static constexpr std::uint16_t kPairOfOnes[2] = {0x3f80, 0x3f80};
static constexpr double kLog2E = 1.4426950408889634;

/// A few rows that go through the registers together, in one chunk.
struct alignas(64) PairStrip {
  float scores[kPairStripRows][kPageTokens];
  std::uint16_t weights[kPairStripRows][kPageTokens];
  float shift[kLanes];                 // by row: the greatest score of the span so far, rounded up
  float keep[kLanes];                  // by row: factor of what the outputs hold
  std::int32_t begin[kPairStripRows];  // visible slots; begin >= end: none
  std::int32_t end[kPairStripRows];
  const std::uint16_t* queries;  // [rows][query_stride]
  float* outputs;                // [rows][output_stride]
  float* maximum;                // [rows] shift, from page to page
  float* weight_sums;            // [rows][kLanes]
  std::int64_t query_stride;
  std::int64_t output_stride;
  std::int64_t rows;
  std::int64_t head_dim;
  float softcap;              // 0: none
  float softcap_scale;        // softcap in powers of two
  bool whole;                 // every row sees all slots
  std::int64_t lowest;        // of begin, over rows that see any
  std::int64_t highest;       // of end
  std::int64_t common_begin;  // every row sees [common_begin, common_end), which may be empty
  std::int64_t common_end;
  const std::uint16_t* next_page;  // what is fetched meanwhile, a line for each line that is read
  const std::uint16_t* next_part;  // of the next page, this strip's share where strips flow
};

/// Sets all that follows from begin and end.
static inline void find_common_slots(PairStrip& strip) {
  strip.lowest = kPageTokens;
  strip.highest = 0;
  strip.common_begin = 0;
  strip.common_end = kPageTokens;
  for (std::int64_t r = 0; r < strip.rows; ++r) {
    const std::int64_t begin = strip.begin[r];
    const std::int64_t end = strip.end[r];
    strip.common_begin = begin > strip.common_begin ? begin : strip.common_begin;
    strip.common_end = end < strip.common_end ? end : strip.common_end;
    if (begin >= end) continue;
    strip.lowest = begin < strip.lowest ? begin : strip.lowest;
    strip.highest = end > strip.highest ? end : strip.highest;
  }
}

static constexpr std::int64_t kPairKeyRow = 2 * kPageTokens;  // elements of two columns of all keys

/// Scores of kVectors * 16 slots from `slot` on. Every loop over the tile is unrolled, so that it stays in
/// registers.
template <class Pairs, int kRows, int kVectors>
[[gnu::noinline]] void compute_pair_scores(PairStrip& strip, const std::uint16_t* keys, std::int64_t slot) {
  using V = typename Pairs::Floats;
  const std::uint16_t* queries[kRows];
  V sums[kRows][kVectors];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    queries[r] = strip.queries + r * strip.query_stride;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[r][v] = V{};
  }
  const std::uint16_t* source = keys + 2 * slot;
  const std::uint16_t* next = strip.next_page + 2 * slot;
  const std::int64_t even_columns = strip.head_dim / 2 * 2;
  for (std::int64_t d = 0; d < even_columns; d += 2, source += kPairKeyRow, next += kPairKeyRow) {
    Pairs key[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      key[v] = load(Pairs{}, source + v * 2 * kLanes);
      if constexpr (kRows < kPairStripRows) __builtin_prefetch(next + v * 2 * kLanes);
    }
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      const Pairs query = repeat(Pairs{}, queries[r] + d);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r][v] = dot(sums[r][v], query, key[v]);
    }
  }
  if (even_columns < strip.head_dim) {
    source = keys + even_columns * kPageTokens + slot;  // the last column alone
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const Pairs key = load_evens(Pairs{}, source + v * kLanes);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r)
        sums[r][v] = dot(sums[r][v], repeat(Pairs{}, queries[r] + even_columns), key);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store(strip.scores[r] + slot + v * kLanes, sums[r][v]);
}

/// Values of pairs [begin, end), both of whose slots every row sees, into the columns
/// [column, column + kVectors * 16) of the outputs; if kPartial, `count` columns.
template <class Pairs, int kRows, int kVectors, bool kPartial>
[[gnu::noinline]] void add_pair_values(const PairStrip& strip, const std::uint16_t* values,
                                       std::int64_t begin, std::int64_t end, std::int64_t column,
                                       std::int64_t count) {
  using V = typename Pairs::Floats;
  const std::int64_t stride = 2 * strip.head_dim;
  const std::int64_t output_stride = strip.output_stride;
  float* outputs = strip.outputs + column;
  V sums[kRows][kVectors];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    const V keep = broadcast(V{}, strip.keep[r]);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v)
      sums[r][v] = keep * load(V{}, outputs + r * output_stride + v * kLanes);
  }
  const std::uint16_t* source = values + begin * stride + 2 * column;
  const std::uint16_t* next = strip.next_page + begin * stride + 2 * column;
  const std::uint16_t* weights = strip.weights[0];
  for (std::int64_t pair = begin; pair < end; ++pair, source += stride, next += stride) {
    Pairs value[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      if constexpr (kPartial)
        value[v] = load_first(Pairs{}, source, count);
      else
        value[v] = load(Pairs{}, source + v * 2 * kLanes);
      if constexpr (kRows < kPairStripRows) __builtin_prefetch(next + v * 2 * kLanes);
    }
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      const Pairs weight = repeat(Pairs{}, weights + r * kPageTokens + 2 * pair);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r][v] = dot(sums[r][v], weight, value[v]);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store(outputs + r * output_stride + v * kLanes, sums[r][v]);
}

/// Pairs [begin, end) of which some rows see one slot or none: what a row does not see must not touch it, as
/// it may be NaN.
template <class Pairs>
[[gnu::noinline]] void add_ragged_values(const PairStrip& strip, const std::uint16_t* values,
                                         std::int64_t begin, std::int64_t end) {
  using V = typename Pairs::Floats;
  for (std::int64_t r = 0; r < strip.rows; ++r) {
    const auto sees = [&](std::int64_t slot) { return slot >= strip.begin[r] && slot < strip.end[r]; };
    float* output = strip.outputs + r * strip.output_stride;
    for (std::int64_t pair = begin; pair < end; ++pair) {
      const std::uint32_t mask =
          (sees(2 * pair) ? 0x0000ffffu : 0u) | (sees(2 * pair + 1) ? 0xffff0000u : 0u);
      if (mask == 0) continue;
      const Pairs weight = repeat(Pairs{}, strip.weights[r] + 2 * pair);
      const std::uint16_t* source = values + pair * 2 * strip.head_dim;
      for (std::int64_t d = 0; d < strip.head_dim; d += kLanes) {
        const std::int64_t count = strip.head_dim - d < kLanes ? strip.head_dim - d : kLanes;
        const Pairs value = keep_bits(load_first(Pairs{}, source + 2 * d, count), mask);
        store(output + d, dot(load(V{}, output + d), weight, value));
      }
    }
  }
}

/// What the outputs hold times `keep`, which is 1 from then on.
template <class Pairs>
void keep_outputs(PairStrip& strip) {
  using V = typename Pairs::Floats;
  for (std::int64_t r = 0; r < strip.rows; ++r) {
    float* output = strip.outputs + r * strip.output_stride;
    const V keep = broadcast(V{}, strip.keep[r]);
    for (std::int64_t d = 0; d < strip.output_stride; d += kLanes)
      store(output + d, keep * load(V{}, output + d));
    strip.keep[r] = 1;
  }
}

/// compute_pair_scores for as many rows as the strip has, over all vectors of slots that a row sees.
template <class Pairs, int kRows, int kVectors>
void score_pair_strip(PairStrip& strip, const std::uint16_t* keys, std::int64_t slot, std::int64_t end) {
  if constexpr (kRows > 1)
    if (strip.rows < kRows) return score_pair_strip<Pairs, kRows - 1, kVectors>(strip, keys, slot, end);
  for (; slot + kVectors * kLanes <= end; slot += kVectors * kLanes)
    compute_pair_scores<Pairs, kRows, kVectors>(strip, keys, slot);
  if constexpr (kVectors > 1)
    if (slot < end) score_pair_strip<Pairs, kRows, kVectors - 1>(strip, keys, slot, end);
}

/// add_pair_values for as many rows as the strip has, columns from `column` on.
template <class Pairs, int kRows, int kVectors>
void weigh_pair_columns(const PairStrip& strip, const std::uint16_t* values, std::int64_t begin,
                        std::int64_t end, std::int64_t column) {
  if constexpr (kRows > 1)
    if (strip.rows < kRows)
      return weigh_pair_columns<Pairs, kRows - 1, kVectors>(strip, values, begin, end, column);
  const std::int64_t head_dim = strip.head_dim;
  for (; column + kVectors * kLanes <= head_dim; column += kVectors * kLanes)
    add_pair_values<Pairs, kRows, kVectors, false>(strip, values, begin, end, column, kLanes);
  if (column == head_dim) return;
  if constexpr (kVectors > 1)
    weigh_pair_columns<Pairs, kRows, kVectors - 1>(strip, values, begin, end, column);
  else
    add_pair_values<Pairs, kRows, 1, true>(strip, values, begin, end, column, head_dim - column);
}

template <class Pairs>
void weigh_pair_strip(PairStrip& strip, const std::uint16_t* values) {
  const std::int64_t first = strip.lowest / 2;
  const std::int64_t last = (strip.highest + 1) / 2;
  std::int64_t begin = (strip.common_begin + 1) / 2;
  std::int64_t end = strip.common_end / 2;
  if (begin >= end) begin = end = last;
  if (first < begin) {
    keep_outputs<Pairs>(strip);
    add_ragged_values<Pairs>(strip, values, first, begin);
  }
  if (begin < end)
    weigh_pair_columns<Pairs, kPairStripRows, Pairs::Floats::kTileVectors>(strip, values, begin, end, 0);
  if (end < last) add_ragged_values<Pairs>(strip, values, end, last);
}

}  // namespace lathe::vector
