// PagedAttention over a bf16 cache. Rows that share keys are stacked to tiles of up to 48 (tokens times heads
// of the group), which walk through the chunks together; in a chunk six rows at a time go through scores,
// softmax and values while the page is near. Pages are read where they lie.
#pragma once

#include "cpu/vector/attention_share.h"
#include "cpu/vector/flush_denormals.h"
#include "cpu/vector/functions.h"
#include "cpu/vector/pair_tile.h"

namespace lathe::vector {

static constexpr std::int64_t kPairTileRows = 48;  // a multiple of kPairStripRows and kLanes
static constexpr std::int64_t kSpanPages = 4;      // a span's chunks add up; spans are merged
static constexpr float kNoScore = -0x1p100f;

/// Sums over a span of chunks, or over all spans so far, before the division.
struct PairSums {
  float* maximum;  // [rows] whole numbers, in powers of two
  float* weights;  // [rows][kLanes] sums of the rounded weights
  float* outputs;  // [rows][output_stride]
};

/// State of a tile's rows. Lies in the thread's scratch; queries and outputs follow.
struct alignas(64) PairTile {
  PairStrip strip;
  float maximum[2][kPairTileRows + kLanes];
  float weights[2][kPairTileRows][kLanes];
  std::int64_t positions[kPairTileRows];  // the last that the row sees
  const float* sources[kPairTileRows];
  float* targets[kPairTileRows];
  std::int64_t rows;
};

static constexpr std::int64_t round_to(std::int64_t count, std::int64_t multiple) {
  return (count + multiple - 1) / multiple * multiple;
}
static constexpr std::int64_t query_stride_of(std::int64_t head_dim) {
  return round_to(head_dim, 2 * kLanes);
}
static constexpr std::int64_t output_stride_of(std::int64_t head_dim) { return round_to(head_dim, kLanes); }

static inline std::size_t pair_attention_scratch_bytes(const KernelCall& call) {
  const std::int64_t head_dim = call.inputs[0].dims[2];
  return sizeof(PairTile) + static_cast<std::size_t>(kPairTileRows * (2 * query_stride_of(head_dim) +
                                                                      8 * output_stride_of(head_dim)));
}

/// What all tiles of a call share.
struct PairCache {
  const std::uint16_t* pages;  // of the layer
  const std::int32_t* block_tables;
  std::int64_t kv_heads;
  std::int64_t head_dim;
  std::int64_t window;
  float query_factor;
  float softcap;        // 0: none
  float softcap_scale;  // softcap in powers of two
};

/// 2^x for a whole number x <= 0, 0 from -127 down: power_of_two() without a vector.
static inline float whole_power_of_two(float x) {
  const float bounded = x > -127.0f ? x : -127.0f;
  return __builtin_bit_cast(float, (static_cast<std::int32_t>(bounded) + 127) << 23);
}

/// Scores of the strip's rows become weights relative to the greatest score of the span so far.
template <class Pairs>
[[gnu::noinline]] void soften_pair_strip(PairStrip& strip, const PairCache& cache, float* maximum,
                                         float* weight_sums) {
  using V = typename Pairs::Floats;
  constexpr int kVectors = kPageTokens / kLanes;
  static_assert(kVectors == 4);
  const V lowest = broadcast(V{}, -__builtin_inff());
  const Pairs ones = repeat(Pairs{}, kPairOfOnes);
  const bool capped = cache.softcap > 0;
  for (std::int64_t r = 0; r < strip.rows; ++r) {
    V x[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) x[v] = load(V{}, strip.scores[r] + v * kLanes);
    if (capped) {
      const V cap = broadcast(V{}, cache.softcap);
      const V scale = broadcast(V{}, cache.softcap_scale);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) x[v] = scale * hyperbolic_tangent(x[v] / cap);
    }
    if (strip.begin[r] > 0 || strip.end[r] < kPageTokens) {
      const auto lane = [](std::int64_t slot, int v) {
        const std::int64_t lane_of_vector = slot - v * kLanes;
        return lane_of_vector < 0 ? 0 : lane_of_vector > kLanes ? kLanes : lane_of_vector;
      };
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v)
        x[v] = select(lane(strip.begin[r], v), lane(strip.end[r], v), x[v], lowest);
    }
    const V most = greater(greater(x[0], greater(x[1], lowest)), greater(x[2], greater(x[3], lowest)));
    const float best = __builtin_ceilf(greatest(most));
    const float before = maximum[r];
    const float after = best > before ? best : before;
    const float keep = whole_power_of_two(before - after);
    maximum[r] = after;
    strip.keep[r] = keep;
    const V shift = broadcast(V{}, after);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) x[v] = power_of_two(x[v] - shift);
    const Pairs low = rounded(Pairs{}, x[0], x[1]);
    const Pairs high = rounded(Pairs{}, x[2], x[3]);
    store(strip.weights[r], low);
    store(strip.weights[r] + kPageTokens / 2, high);
    const V sums = broadcast(V{}, keep) * load(V{}, weight_sums + r * kLanes);
    store(weight_sums + r * kLanes, dot(dot(sums, low, ones), high, ones));
  }
}

template <class Pairs>
void clear_sums(const PairSums& sums, std::int64_t rows, std::int64_t stride) {
  using V = typename Pairs::Floats;
  for (std::int64_t r = 0; r < rows; ++r) {
    sums.maximum[r] = kNoScore;
    store(sums.weights + r * kLanes, V{});
    for (std::int64_t d = 0; d < stride; d += kLanes) store(sums.outputs + r * stride + d, V{});
  }
}

/// Factors are powers of two, so that one rounding is left.
template <class Pairs>
void merge_spans(const PairSums& total, const PairSums& span, std::int64_t rows, std::int64_t stride) {
  using V = typename Pairs::Floats;
  alignas(64) float keep[kLanes];
  alignas(64) float add[kLanes];
  for (std::int64_t r = 0; r < rows; ++r) {
    if (r % kLanes == 0) {
      const V before = load(V{}, total.maximum + r);
      const V other = load(V{}, span.maximum + r);
      const V after = greater(other, before);
      store(keep, power_of_two(before - after));
      store(add, power_of_two(other - after));
      store(total.maximum + r, after);
    }
    const V k = broadcast(V{}, keep[r % kLanes]);
    const V a = broadcast(V{}, add[r % kLanes]);
    const auto merge = [&](float* target, const float* source) {
      store(target, fma(load(V{}, target), k, load(V{}, source) * a));
    };
    merge(total.weights + r * kLanes, span.weights + r * kLanes);
    for (std::int64_t d = 0; d < stride; d += kLanes)
      merge(total.outputs + r * stride + d, span.outputs + r * stride + d);
  }
}

template <class Pairs>
void divide_sums(const PairTile& tile, const PairSums& total, std::int64_t head_dim, std::int64_t stride) {
  using V = typename Pairs::Floats;
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    const V sum = broadcast(V{}, tree_sum(load(V{}, total.weights + r * kLanes)));
    for (std::int64_t d = 0; d < head_dim; d += kLanes)
      store_first(tile.targets[r] + d, load(V{}, total.outputs + r * stride + d) / sum,
                  head_dim - d < kLanes ? head_dim - d : kLanes);
  }
}

/// The strip's visible slots of the chunk that starts at position `start`.
static inline void enter_pair_chunk(const PairTile& tile, PairStrip& strip, std::int64_t row,
                                    std::int64_t start, std::int64_t window) {
  const bool whole = start + kPageTokens <= tile.positions[row] + 1 &&
                     first_visible(tile.positions[row + strip.rows - 1], window) <= start;
  for (std::int64_t r = 0; r < kPairStripRows; ++r) {
    strip.begin[r] = 0;
    strip.end[r] = kPageTokens;
  }
  strip.lowest = strip.common_begin = 0;
  strip.highest = strip.common_end = kPageTokens;
  if (whole) return;
  for (std::int64_t r = 0; r < strip.rows; ++r) {
    const std::int64_t position = tile.positions[row + r];
    const std::int64_t first = first_visible(position, window) - start;
    const std::int64_t end = position + 1 - start;
    strip.begin[r] = static_cast<std::int32_t>(first < 0 ? 0 : first);
    strip.end[r] = static_cast<std::int32_t>(end > kPageTokens ? kPageTokens : end);
  }
  find_common_slots(strip);
}

/// Queries of the tile's rows, scaled and rounded; columns behind the last are zero.
template <class Pairs>
void round_queries(const PairTile& tile, const PairCache& cache, std::uint16_t* queries) {
  using V = typename Pairs::Floats;
  const std::int64_t stride = query_stride_of(cache.head_dim);
  const V factor = broadcast(V{}, cache.query_factor);
  for (std::int64_t r = 0; r < tile.rows; ++r)
    for (std::int64_t d = 0; d < stride; d += 2 * kLanes) {
      const auto part = [&](std::int64_t column) {
        const std::int64_t count = cache.head_dim - column;
        return factor * load_first(V{}, tile.sources[r] + column,
                                   count < 0        ? 0
                                   : count < kLanes ? count
                                                    : kLanes);
      };
      store(queries + r * stride + d, rounded(Pairs{}, part(d), part(d + kLanes)));
    }
}

template <class Pairs>
void attend_pair_tile(PairTile& tile, const PairCache& cache, const SequenceEntry& sequence,
                      std::int64_t kv_head) {
  constexpr int kTileVectors = Pairs::Floats::kTileVectors;
  const std::int64_t head_dim = cache.head_dim;
  const std::int64_t page_elements = kPageTokens * head_dim;
  PairStrip& strip = tile.strip;
  strip.head_dim = head_dim;
  strip.query_stride = query_stride_of(head_dim);
  strip.output_stride = output_stride_of(head_dim);
  auto* outputs = reinterpret_cast<float*>(&tile + 1);
  auto* queries = reinterpret_cast<std::uint16_t*>(outputs + 2 * kPairTileRows * strip.output_stride);
  PairSums span{tile.maximum[0], tile.weights[0][0], outputs};
  PairSums total{tile.maximum[1], tile.weights[1][0], outputs + kPairTileRows * strip.output_stride};
  round_queries<Pairs>(tile, cache, queries);

  const std::int64_t first_page = first_visible(tile.positions[0], cache.window) / kPageTokens;
  const std::int64_t last_page = tile.positions[tile.rows - 1] / kPageTokens;
  const auto keys_of = [&](std::int64_t page) {
    const std::int64_t number = cache.block_tables[sequence.first_page_entry + page];
    return cache.pages + (number * 2 * cache.kv_heads + kv_head) * page_elements;
  };
  const auto exchange = [&] {
    const PairSums finished = span;
    span = total;
    total = finished;
  };
  bool merging = false;
  clear_sums<Pairs>(span, tile.rows, strip.output_stride);
  const std::uint16_t* keys = keys_of(first_page);
  for (std::int64_t page = first_page; page <= last_page; ++page) {
    const std::uint16_t* next = page < last_page ? keys_of(page + 1) : keys;
    const std::uint16_t* values = keys + cache.kv_heads * page_elements;
    for (std::int64_t row = 0; row < tile.rows; row += kPairStripRows) {
      strip.rows = tile.rows - row < kPairStripRows ? tile.rows - row : kPairStripRows;
      enter_pair_chunk(tile, strip, row, page * kPageTokens, cache.window);
      if (strip.lowest >= strip.highest) continue;
      strip.queries = queries + row * strip.query_stride;
      strip.outputs = span.outputs + row * strip.output_stride;
      strip.next_page = next;
      score_pair_strip<Pairs, kPairStripRows, kTileVectors>(strip, keys, strip.lowest / kLanes * kLanes,
                                                            round_to(strip.highest, kLanes));
      soften_pair_strip<Pairs>(strip, cache, span.maximum + row, span.weights + row * kLanes);
      strip.next_page = next + cache.kv_heads * page_elements;
      weigh_pair_strip<Pairs>(strip, values);
    }
    keys = next;
    if (page != last_page && (page + 1) % kSpanPages != 0) continue;
    if (merging)
      merge_spans<Pairs>(total, span, tile.rows, strip.output_stride);
    else
      exchange();
    merging = true;
    if (page != last_page) clear_sums<Pairs>(span, tile.rows, strip.output_stride);
  }
  divide_sums<Pairs>(tile, total, head_dim, strip.output_stride);
}

template <class Pairs>
[[gnu::noinline]] void attend_pairs(const KernelCall& call) {
  const TensorArg& q = call.inputs[0];      // [tokens, heads, head_dim]
  const TensorArg& pages = call.inputs[1];  // [layers, pages, 2, kv_heads, 64 * head_dim]
  const std::int64_t heads = q.dims[1];
  const std::int64_t head_dim = q.dims[2];
  const std::int64_t kv_heads = pages.dims[3];
  const std::int64_t group = heads / kv_heads;
  const double scale = call.attributes[1].real;
  const double softcap = call.attributes[3].real;
  const PairCache cache{static_cast<const std::uint16_t*>(pages.data) + call.attributes[0].integer *
                                                                            pages.dims[1] * 2 * kv_heads *
                                                                            kPageTokens * head_dim,
                        static_cast<const std::int32_t*>(call.inputs[3].data),
                        kv_heads,
                        head_dim,
                        call.attributes[2].integer,
                        static_cast<float>(softcap > 0 ? scale : scale * kLog2E),
                        static_cast<float>(softcap),
                        static_cast<float>(softcap * kLog2E)};
  const AttentionRows all{kv_heads, group, cache.window, call.attributes[4].integer != 0};
  auto& tile = *static_cast<PairTile*>(call.scratch);
  share_attention(call, all, static_cast<const SequenceEntry*>(call.inputs[2].data), call.inputs[2].dims[0],
                  [&](const SequenceEntry& sequence, std::int64_t kv_head, const Range& rows) {
                    for (std::int64_t begin = rows.begin; begin < rows.end; begin += kPairTileRows) {
                      tile.rows = rows.end - begin < kPairTileRows ? rows.end - begin : kPairTileRows;
                      for (std::int64_t r = 0; r < tile.rows; ++r) {
                        const std::int64_t token = (begin + r) / group;
                        const std::int64_t head = kv_head * group + (begin + r) % group;
                        const std::int64_t offset =
                            ((sequence.first_token + token) * heads + head) * head_dim;
                        tile.sources[r] = static_cast<const float*>(q.data) + offset;
                        tile.targets[r] = static_cast<float*>(call.outputs[0].data) + offset;
                        tile.positions[r] = last_visible(all, sequence, token);
                      }
                      attend_pair_tile<Pairs>(tile, cache, sequence, kv_head);
                    }
                  });
}

template <class Pairs>
void run_pair_attention(const KernelCall& call) {
  flush_denormals(call, attend_pairs<Pairs>);
}

}  // namespace lathe::vector
