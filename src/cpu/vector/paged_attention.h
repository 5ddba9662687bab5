// PagedAttention. Rows that share keys are stacked to tiles of up to 96 (tokens times heads of the group) and
// walk through the chunks together: scores of all rows, softmax of all rows, values of all rows. A tile of
// more than one strip converts a half-precision page once; a smaller one, as in decoding, reads it where it
// lies.
#pragma once

#include "cpu/vector/attention_share.h"
#include "cpu/vector/attention_tile.h"
#include "cpu/vector/functions.h"

namespace lathe::vector {

static constexpr std::int64_t kTileRows = 96;  // a multiple of kStripRows and kLanes

/// State of a tile's rows. Lies in the thread's scratch; the converted page [64 * head_dim] follows.
struct alignas(64) AttentionTile {
  float scores[kTileRows][kPageTokens];
  const float* queries[kTileRows];
  float* outputs[kTileRows];
  std::int64_t positions[kTileRows];  // the last that the row sees
  std::int32_t begin[kTileRows];      // visible slots of the chunk
  std::int32_t end[kTileRows];
  float maximum[kTileRows];  // over all chunks so far
  float sum[kTileRows];
  float chunk_maximum[kTileRows];
  float chunk_sum[kTileRows];
  float keep[kTileRows];
  float add[kTileRows];
  bool first[kTileRows];    // this chunk is the row's first
  bool started[kTileRows];  // the row has seen a chunk
  std::int64_t rows;
};

static inline std::size_t attention_scratch_bytes(const KernelCall& call) {
  return sizeof(AttentionTile) +
         static_cast<std::size_t>(kPageTokens * call.inputs[0].dims[2]) * sizeof(float);
}

/// Sets what each row sees of the chunk that starts at position `start`.
static inline void enter_chunk(AttentionTile& tile, std::int64_t start, std::int64_t window) {
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    const std::int64_t first = first_visible(tile.positions[r], window) - start;
    const std::int64_t end = tile.positions[r] + 1 - start;
    tile.begin[r] = static_cast<std::int32_t>(first < 0 ? 0 : first);
    tile.end[r] = static_cast<std::int32_t>(end > kPageTokens ? kPageTokens : end);
    const bool sees = tile.begin[r] < tile.end[r];
    tile.first[r] = sees && !tile.started[r];
    tile.started[r] = tile.started[r] || sees;
  }
}

/// Rows [row, row + 6) of the tile; rows == 0 where none of them sees anything.
static inline AttentionStrip strip_of(const AttentionTile& tile, std::int64_t row, std::int64_t head_dim) {
  AttentionStrip strip{tile.queries + row,
                       tile.outputs + row,
                       const_cast<float*>(tile.scores[row]),
                       tile.begin + row,
                       tile.end + row,
                       tile.keep + row,
                       tile.add + row,
                       tile.first + row,
                       tile.rows - row,
                       head_dim,
                       kPageTokens,
                       0,
                       0,
                       kPageTokens};
  if (strip.rows > kStripRows) strip.rows = kStripRows;
  for (std::int64_t r = 0; r < strip.rows; ++r) {
    const std::int64_t begin = strip.begin[r];
    const std::int64_t end = strip.end[r];
    strip.common_begin = begin > strip.common_begin ? begin : strip.common_begin;
    strip.common_end = end < strip.common_end ? end : strip.common_end;
    if (begin >= end) continue;
    strip.lowest = begin < strip.lowest ? begin : strip.lowest;
    strip.highest = end > strip.highest ? end : strip.highest;
  }
  if (strip.lowest >= strip.highest) strip.rows = 0;
  return strip;
}

/// Scores of one row become probabilities relative to the chunk's maximum.
template <class V>
void soften_row(AttentionTile& tile, std::int64_t row, float scale, float softcap) {
  if (tile.begin[row] >= tile.end[row]) {
    tile.chunk_maximum[row] = -__builtin_inff();
    tile.chunk_sum[row] = 0;
    return;
  }
  constexpr int kVectors = kPageTokens / kLanes;
  const auto lane = [](std::int64_t slot, int v) {
    const std::int64_t lane_of_vector = slot - v * kLanes;
    return lane_of_vector < 0 ? 0 : lane_of_vector > kLanes ? kLanes : lane_of_vector;
  };
  float* scores = tile.scores[row];
  const V lowest = broadcast(V{}, -__builtin_inff());
  const V factor = broadcast(V{}, scale);
  const V cap = broadcast(V{}, softcap);
  V x[kVectors];
  V best = lowest;
  for (int v = 0; v < kVectors; ++v) {
    V scaled = factor * load(V{}, scores + v * kLanes);
    if (softcap > 0) scaled = cap * hyperbolic_tangent(scaled / cap);
    x[v] = select(lane(tile.begin[row], v), lane(tile.end[row], v), scaled, lowest);
    best = greater(x[v], best);
  }
  tile.chunk_maximum[row] = greatest(best);
  const V shift = broadcast(V{}, tile.chunk_maximum[row]);
  V sum{};
  for (int v = 0; v < kVectors; ++v) {
    const V p = exp(x[v] - shift);
    sum = sum + p;
    store(scores + v * kLanes, p);
  }
  tile.chunk_sum[row] = tree_sum(sum);
  if (!tile.first[row]) return;
  tile.maximum[row] = tile.chunk_maximum[row];
  tile.sum[row] = 0;
}

/// Maxima and sums of the chunk into those of the rows; `keep` and `add` are left for the outputs. A row that
/// sees nothing has the maximum -infinity and adds 0; one that starts holds 0 and this chunk's maximum: both
/// are exact.
template <class V>
void merge_sums(AttentionTile& tile) {
  for (std::int64_t r = 0; r < tile.rows; r += kLanes) {
    const V chunk = load(V{}, tile.chunk_maximum + r);
    const V before = load(V{}, tile.maximum + r);
    const V after = greater(chunk, before);
    const V keep = exp(before - after);
    const V add = exp(chunk - after);
    store(tile.maximum + r, after);
    store(tile.keep + r, keep);
    store(tile.add + r, add);
    store(tile.sum + r, fma(load(V{}, tile.sum + r), keep, load(V{}, tile.chunk_sum + r) * add));
  }
}

template <class V>
const float* converted(const float* page, float*, std::int64_t) {
  return page;
}

template <class V>
const float* converted(const std::uint16_t* page, float* buffer, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kLanes) store(buffer + i, load(V{}, page + i));
  return buffer;
}

template <class V, class Element>
void score_rows(AttentionTile& tile, const Element* keys, std::int64_t head_dim) {
  for (std::int64_t row = 0; row < tile.rows; row += kStripRows) {
    const AttentionStrip strip = strip_of(tile, row, head_dim);
    if (strip.rows == 0) continue;
    compute_strip_scores<V, kStripRows, V::kTileVectors>(strip, keys, strip.lowest / kLanes * kLanes,
                                                         (strip.highest + kLanes - 1) / kLanes * kLanes);
  }
}

template <class V, class Element>
void weigh_rows(const AttentionTile& tile, const Element* values, std::int64_t head_dim) {
  for (std::int64_t row = 0; row < tile.rows; row += kStripRows) {
    const AttentionStrip strip = strip_of(tile, row, head_dim);
    if (strip.rows != 0) add_strip_values<V, kStripRows, V::kTileVectors>(strip, values, 0);
  }
}

template <class V>
void soften(AttentionTile& tile, float scale, float softcap) {
  for (std::int64_t row = 0; row < tile.rows; ++row) soften_row<V>(tile, row, scale, softcap);
  merge_sums<V>(tile);
}

template <class V>
void divide_rows(const AttentionTile& tile, std::int64_t head_dim) {
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    const V sum = broadcast(V{}, tile.sum[r]);
    for (std::int64_t d = 0; d < head_dim; d += kLanes) {
      const std::int64_t count = head_dim - d < kLanes ? head_dim - d : kLanes;
      store_first(tile.outputs[r] + d, load_first(V{}, tile.outputs[r] + d, count) / sum, count);
    }
  }
}

/// What all tiles of a call share.
template <class Element>
struct AttentionCache {
  const Element* pages;  // of the layer
  const std::int32_t* block_tables;
  std::int64_t kv_heads;
  std::int64_t head_dim;
  std::int64_t window;
  float scale;
  float softcap;  // 0: none
};

/// Narrow register tiles walk through a page several times, by columns, which the processor does not foresee.
template <class Element>
void fetch_page(const Element* keys, const Element* values, std::int64_t page_elements) {
  constexpr std::int64_t kLine = 64 / static_cast<std::int64_t>(sizeof(Element));
  for (std::int64_t i = 0; i < page_elements; i += kLine) {
    __builtin_prefetch(keys + i);
    __builtin_prefetch(values + i);
  }
}

template <class V, class Element>
void attend_tile(AttentionTile& tile, const AttentionCache<Element>& cache, const SequenceEntry& sequence,
                 std::int64_t kv_head) {
  const std::int64_t head_dim = cache.head_dim;
  const std::int64_t page_elements = kPageTokens * head_dim;
  auto* buffer = reinterpret_cast<float*>(&tile + 1);
  for (std::int64_t r = 0; r < kTileRows; ++r) {
    tile.started[r] = false;
    tile.maximum[r] = tile.sum[r] = tile.chunk_maximum[r] = tile.chunk_sum[r] = 0;
  }
  const std::int64_t last_page = tile.positions[tile.rows - 1] / kPageTokens;
  for (std::int64_t page = first_visible(tile.positions[0], cache.window) / kPageTokens; page <= last_page;
       ++page) {
    const std::int64_t number = cache.block_tables[sequence.first_page_entry + page];
    const Element* keys = cache.pages + (number * 2 * cache.kv_heads + kv_head) * page_elements;
    const Element* values = keys + cache.kv_heads * page_elements;
    enter_chunk(tile, page * kPageTokens, cache.window);
    if (tile.rows > kStripRows) {
      score_rows<V>(tile, converted<V>(keys, buffer, page_elements), head_dim);
      soften<V>(tile, cache.scale, cache.softcap);
      weigh_rows<V>(tile, converted<V>(values, buffer, page_elements), head_dim);
    } else {
      if (V::kTileVectors == 1 && page < last_page) {
        const std::int64_t next = cache.block_tables[sequence.first_page_entry + page + 1];
        const Element* next_keys = cache.pages + (next * 2 * cache.kv_heads + kv_head) * page_elements;
        fetch_page(next_keys, next_keys + cache.kv_heads * page_elements, page_elements);
      }
      score_rows<V>(tile, keys, head_dim);
      soften<V>(tile, cache.scale, cache.softcap);
      weigh_rows<V>(tile, values, head_dim);
    }
  }
  divide_rows<V>(tile, head_dim);
}

template <class V, class Element>
void attend(const KernelCall& call) {
  const TensorArg& q = call.inputs[0];      // [tokens, heads, head_dim]
  const TensorArg& pages = call.inputs[1];  // [layers, pages, 2, kv_heads, 64 * head_dim]
  const std::int64_t heads = q.dims[1];
  const std::int64_t head_dim = q.dims[2];
  const std::int64_t kv_heads = pages.dims[3];
  const std::int64_t group = heads / kv_heads;
  const AttentionCache<Element> cache{
      static_cast<const Element*>(pages.data) +
          call.attributes[0].integer * pages.dims[1] * 2 * kv_heads * kPageTokens * head_dim,
      static_cast<const std::int32_t*>(call.inputs[3].data),
      kv_heads,
      head_dim,
      call.attributes[2].integer,
      static_cast<float>(call.attributes[1].real),
      static_cast<float>(call.attributes[3].real)};
  const AttentionRows all{kv_heads, group, cache.window, call.attributes[4].integer != 0};
  auto& tile = *static_cast<AttentionTile*>(call.scratch);
  share_attention(call, all, static_cast<const SequenceEntry*>(call.inputs[2].data), call.inputs[2].dims[0],
                  [&](const SequenceEntry& sequence, std::int64_t kv_head, const Range& rows) {
                    for (std::int64_t begin = rows.begin; begin < rows.end; begin += kTileRows) {
                      tile.rows = rows.end - begin < kTileRows ? rows.end - begin : kTileRows;
                      for (std::int64_t r = 0; r < tile.rows; ++r) {
                        const std::int64_t token = (begin + r) / group;
                        const std::int64_t head = kv_head * group + (begin + r) % group;
                        const std::int64_t offset =
                            ((sequence.first_token + token) * heads + head) * head_dim;
                        tile.queries[r] = static_cast<const float*>(q.data) + offset;
                        tile.outputs[r] = static_cast<float*>(call.outputs[0].data) + offset;
                        tile.positions[r] = last_visible(all, sequence, token);
                      }
                      attend_tile<V>(tile, cache, sequence, kv_head);
                    }
                  });
}

template <class V>
void run_paged_attention(const KernelCall& call) {
  if (call.inputs[1].dtype == kCacheF32)
    attend<V, float>(call);
  else
    attend<V, std::uint16_t>(call);
}

}  // namespace lathe::vector
