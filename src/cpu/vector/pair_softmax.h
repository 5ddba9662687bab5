// Scores of a strip become weights, in two steps: one finds the maxima of its rows together, in the other no
// exponential waits for another one. Where a tile has several strips, exponentials of one run beside the dot
// products of the next, in units that those leave free.
#pragma once

#include "cpu/vector/functions.h"
#include "cpu/vector/pair_tile.h"

namespace lathe::vector {

template <class Pairs>
[[gnu::noinline]] void cap_scores(PairStrip& strip) {
  using V = typename Pairs::Floats;
  const V cap = broadcast(V{}, strip.softcap);
  const V scale = broadcast(V{}, strip.softcap_scale);
  for (std::int64_t r = 0; r < strip.rows; ++r)
    for (std::int64_t slot = 0; slot < kPageTokens; slot += kLanes) {
      float* scores = strip.scores[r] + slot;
      store(scores, scale * hyperbolic_tangent(load(V{}, scores) / cap));
    }
}

/// Scores of slots that a row does not see become -infinity.
template <class Pairs>
[[gnu::noinline]] void hide_scores(PairStrip& strip) {
  using V = typename Pairs::Floats;
  const V lowest = broadcast(V{}, -__builtin_inff());
  for (std::int64_t r = 0; r < strip.rows; ++r)
    for (std::int64_t slot = 0; slot < kPageTokens; slot += kLanes) {
      const auto lane = [slot](std::int64_t of_page) {
        const std::int64_t of_vector = of_page - slot;
        return of_vector < 0 ? 0 : of_vector > kLanes ? kLanes : of_vector;
      };
      float* scores = strip.scores[r] + slot;
      store(scores, select(lane(strip.begin[r]), lane(strip.end[r]), load(V{}, scores), lowest));
    }
}

/// The greatest scores of the span so far, and what they leave of earlier sums. `most` are the rows' lanes.
template <class V, int kRows>
[[gnu::always_inline]] inline void raise_maxima_to(PairStrip& strip, const V (&most)[kRows]) {
  const V before = load_first(V{}, strip.maximum, strip.rows);
  const V after = greater(round_up(greatest_of_each(most)), before);
  store_first(strip.maximum, after, strip.rows);
  store(strip.shift, after);
  store(strip.keep, power_of_two(before - after));
}

/// The strip has kRows rows or fewer.
template <class Pairs, int kRows>
[[gnu::noinline]] void raise_maxima(PairStrip& strip) {
  using V = typename Pairs::Floats;
  const V lowest = broadcast(V{}, -__builtin_inff());
  V most[kRows];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    most[r] = lowest;  // passes over NaN
#pragma GCC unroll 4
    for (int slot = 0; slot < kPageTokens; slot += kLanes)
      most[r] = greater(load(V{}, strip.scores[r] + slot), most[r]);
  }
  raise_maxima_to(strip, most);
}

/// One row's weights relative to its maximum, and their sums. If `half`, slots of the second half are hidden.
template <class Pairs>
[[gnu::always_inline]] inline void soften_row(PairStrip& strip, std::int64_t r, bool half) {
  using V = typename Pairs::Floats;
  const Pairs ones = repeat(Pairs{}, kPairOfOnes);
  const V shift = broadcast(V{}, strip.shift[r]);
  V sums = broadcast(V{}, strip.keep[r]) * load(V{}, strip.weight_sums + r * kLanes);
  const auto weigh = [&](std::int64_t slot) {
    const float* scores = strip.scores[r] + slot;
    const Pairs weights = rounded(Pairs{}, power_of_two(load(V{}, scores) - shift),
                                  power_of_two(load(V{}, scores + kLanes) - shift));
    store(strip.weights[r] + slot, weights);
    sums = dot(sums, weights, ones);
  };
  weigh(0);
  if (!half) weigh(kPageTokens / 2);
  store(strip.weight_sums + r * kLanes, sums);
}

template <class Pairs>
[[gnu::noinline]] void soften_scores(PairStrip& strip) {
  const bool half = strip.highest <= kPageTokens / 2;
  for (std::int64_t r = 0; r < strip.rows; ++r) soften_row<Pairs>(strip, r, half);
}

/// Scores and maxima of a strip that sees the whole page, and meanwhile the weights of `softened`, another
/// such strip whose scores and maxima are there: its exponentials run beside the dot products.
template <class Pairs, bool kSoften>
[[gnu::noinline]] void score_whole_strip(PairStrip& strip, const std::uint16_t* keys, PairStrip& softened) {
  using V = typename Pairs::Floats;
  constexpr int kRows = kPairStripRows;
  constexpr int kVectors = kPageTokens / kLanes;
  constexpr int kIntoSecondLevel = 2;
  constexpr std::int64_t kStepColumns = 8;  // between rows that are softened
  const std::int64_t stride = strip.query_stride;
  V sums[kRows][kVectors];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[r][v] = V{};
  const std::uint16_t* next = strip.next_part;
  const std::uint16_t* queries = strip.queries;
  const std::uint16_t* const end = queries + strip.head_dim;
  const auto multiply = [&](const std::uint16_t* to) {
    for (; queries < to; queries += 2, keys += kPairKeyRow, next += 2 * kLanes) {
      __builtin_prefetch(next, 0, kIntoSecondLevel);
      Pairs key[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) key[v] = load(Pairs{}, keys + v * 2 * kLanes);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r) {
        const Pairs query = repeat(Pairs{}, queries + r * stride);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sums[r][v] = dot(sums[r][v], query, key[v]);
      }
    }
  };
  if constexpr (kSoften)
    for (int r = 0; r < kRows; ++r) {
      multiply(queries + kStepColumns < end ? queries + kStepColumns : end);
      soften_row<Pairs>(softened, r, false);
    }
  multiply(end);
  const V lowest = broadcast(V{}, -__builtin_inff());
  V most[kRows];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    most[r] = lowest;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      store(strip.scores[r] + v * kLanes, sums[r][v]);
      most[r] = greater(sums[r][v], most[r]);
    }
  }
  raise_maxima_to(strip, most);
}

/// Scores in memory to maxima.
template <class Pairs>
void find_maxima(PairStrip& strip) {
  if (strip.softcap > 0) cap_scores<Pairs>(strip);
  if (!strip.whole) hide_scores<Pairs>(strip);
  if (strip.rows <= kPairStripRows / 2)
    raise_maxima<Pairs, kPairStripRows / 2>(strip);
  else
    raise_maxima<Pairs, kPairStripRows>(strip);
}

/// Whether score_whole_strip() takes the strip; it needs registers for all slots of six rows.
template <class Pairs>
bool flows(const PairStrip& strip) {
  return Pairs::Floats::kTileVectors * kLanes == kPageTokens && strip.whole && strip.rows == kPairStripRows &&
         strip.softcap == 0 && strip.head_dim % 2 == 0;
}

/// Weights of the strips that flow.
template <class Pairs>
void weigh_flowing_keys(PairStrip* strips, std::int64_t count, const std::uint16_t* keys) {
  PairStrip* softened = nullptr;  // the next to be
  for (PairStrip* strip = strips; strip < strips + count; ++strip) {
    if (!flows<Pairs>(*strip)) continue;
    if (softened == nullptr)
      score_whole_strip<Pairs, false>(*strip, keys, *strip);
    else
      score_whole_strip<Pairs, true>(*strip, keys, *softened);
    softened = strip;
  }
  if (softened != nullptr) soften_scores<Pairs>(*softened);
}

/// From queries and keys to weights.
template <class Pairs>
void weigh_keys(PairStrip* strips, std::int64_t count, const std::uint16_t* keys) {
  constexpr int kTileVectors = Pairs::Floats::kTileVectors;
  if constexpr (kTileVectors * kLanes == kPageTokens) weigh_flowing_keys<Pairs>(strips, count, keys);
  const auto each = [&](const auto& step) {  // of the other strips that see any of the page
    for (PairStrip* strip = strips; strip < strips + count; ++strip)
      if (strip->lowest < strip->highest && !flows<Pairs>(*strip)) step(*strip);
  };
  each([keys](PairStrip& strip) {
    score_pair_strip<Pairs, kPairStripRows, kTileVectors>(strip, keys, strip.lowest / kLanes * kLanes,
                                                          (strip.highest + kLanes - 1) / kLanes * kLanes);
  });
  each([](PairStrip& strip) { find_maxima<Pairs>(strip); });
  each([](PairStrip& strip) { soften_scores<Pairs>(strip); });
}

}  // namespace lathe::vector
