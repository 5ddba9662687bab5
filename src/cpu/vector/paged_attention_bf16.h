// PagedAttention over a cache of bf16 or of codes. Rows that share keys are stacked to tiles of up to 48
// (tokens times heads of the group), which walk through the chunks together; in a chunk six rows at a time go
// through scores, softmax and values while the page is near. Pages of bf16 are read where they lie
// (page_source.h).
#pragma once

#include "cpu/vector/attention_share.h"
#include "cpu/vector/flush_denormals.h"
#include "cpu/vector/page_source.h"
#include "cpu/vector/pair_softmax.h"
#include "cpu/vector/rotation.h"

namespace lathe::vector {

static constexpr std::int64_t kPairTileRows = 48;  // a multiple of kPairStripRows and kLanes
static constexpr std::int64_t kSpanPages = 4;      // a span's chunks add up; spans are merged
static constexpr std::int64_t kRowsAhead = 6;      // of queries and outputs that are fetched
static constexpr float kNoScore = -0x1p100f;

/// Sums over a span of chunks, or over all spans so far, before the division.
struct PairSums {
  float* maximum;  // [rows] whole numbers, in powers of two
  float* weights;  // [rows][kLanes] sums of the rounded weights
  float* outputs;  // [rows][output_stride]
};

/// State of a tile's rows. Lies in the thread's scratch; queries and outputs follow.
struct alignas(64) PairTile {
  PairStrip strips[kPairTileRows / kPairStripRows];
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

/// What all tiles of a call share.
struct PairCache {
  const std::uint8_t* pages;  // of the layer
  std::int64_t key_bytes;     // of one head in a page
  std::int64_t value_bytes;
  const std::int32_t* block_tables;
  std::int64_t kv_heads;
  std::int64_t head_dim;
  std::int64_t window;
  float query_factor;
  float softcap;        // 0: none
  float softcap_scale;  // softcap in powers of two
};

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

template <class Pairs, class Source>
void divide_sums(const PairTile& tile, const PairSums& total, std::int64_t head_dim, std::int64_t stride) {
  using V = typename Pairs::Floats;
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    const V sum = broadcast(V{}, tree_sum(load(V{}, total.weights + r * kLanes)));
    const std::int64_t ahead = r + kRowsAhead < tile.rows ? r + kRowsAhead : r;
    for (std::int64_t d = 0; d < head_dim; d += kLanes) __builtin_prefetch(tile.targets[ahead] + d, 1);
    for (std::int64_t d = 0; d < head_dim; d += kLanes)
      store_first(tile.targets[r] + d, load(V{}, total.outputs + r * stride + d) / sum,
                  head_dim - d < kLanes ? head_dim - d : kLanes);
    if constexpr (Source::kDecodes) rotate_columns<V>(tile.targets[r], tile.targets[r], head_dim);
  }
}

/// The strip's visible slots of the chunk that starts at position `start`; `positions` are its rows'.
static inline void enter_pair_chunk(PairStrip& strip, const std::int64_t* positions, std::int64_t start,
                                    std::int64_t window) {
  strip.whole =
      start + kPageTokens <= positions[0] + 1 && first_visible(positions[strip.rows - 1], window) <= start;
  strip.lowest = strip.common_begin = 0;
  strip.highest = strip.common_end = kPageTokens;
  if (strip.whole) return;
  for (std::int64_t r = 0; r < strip.rows; ++r) {
    const std::int64_t first = first_visible(positions[r], window) - start;
    const std::int64_t end = positions[r] + 1 - start;
    strip.begin[r] = static_cast<std::int32_t>(first < 0 ? 0 : first);
    strip.end[r] = static_cast<std::int32_t>(end > kPageTokens ? kPageTokens : end);
  }
  find_common_slots(strip);
}

/// Queries of the tile's rows, scaled and rounded; columns behind the last are zero. Nothing is summed yet,
/// so that a row can be rotated where sums will be.
template <class Pairs, class Source>
void round_queries(PairTile& tile, const PairCache& cache, std::uint16_t* queries) {
  using V = typename Pairs::Floats;
  const std::int64_t stride = query_stride_of(cache.head_dim);
  const V factor = broadcast(V{}, cache.query_factor);
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    const std::int64_t ahead = r + kRowsAhead < tile.rows ? r + kRowsAhead : r;
    const float* source = tile.sources[r];
    if constexpr (Source::kDecodes) {
      auto* row = reinterpret_cast<float*>(&tile + 1);
      rotate_columns<V>(source, row, cache.head_dim);
      source = row;
    }
    for (std::int64_t d = 0; d < stride; d += 2 * kLanes) {
      if (d < cache.head_dim) {
        __builtin_prefetch(tile.sources[ahead] + d);
        __builtin_prefetch(tile.sources[ahead] + d + kLanes);
      }
      const auto part = [&](std::int64_t column) {
        const std::int64_t count = cache.head_dim - column;
        return factor * load_first(V{}, source + column, count < 0 ? 0 : count < kLanes ? count : kLanes);
      };
      store(queries + r * stride + d, rounded(Pairs{}, part(d), part(d + kLanes)));
    }
  }
}

/// The pages that a tile's rows see, of one kv head.
struct PairPages {
  const PairCache& cache;
  const SequenceEntry& sequence;
  std::int64_t kv_head;
  std::int64_t first;
  std::int64_t last;

  const std::uint8_t* keys(std::int64_t page) const {
    const std::int64_t number = cache.block_tables[sequence.first_page_entry + page];
    return cache.pages + number * cache.kv_heads * (cache.key_bytes + cache.value_bytes) +
           kv_head * cache.key_bytes;
  }
  /// How far behind the keys the values lie.
  std::int64_t values_behind() const {
    return cache.kv_heads * cache.key_bytes + kv_head * (cache.value_bytes - cache.key_bytes);
  }
};

static inline PairPages visible_pages(const PairTile& tile, const PairCache& cache,
                                      const SequenceEntry& sequence, std::int64_t kv_head) {
  return {cache, sequence, kv_head, first_visible(tile.positions[0], cache.window) / kPageTokens,
          tile.positions[tile.rows - 1] / kPageTokens};
}

/// Pages [first, last], all of one span, into `span`; `decoded` holds a page of one head.
template <class Pairs, class Source>
void attend_span(PairTile& tile, const PairPages& pages, std::int64_t first, std::int64_t last,
                 const std::uint16_t* queries, const PairSums& span, std::uint16_t* decoded) {
  const PairCache& cache = pages.cache;
  const std::int64_t strips = (tile.rows + kPairStripRows - 1) / kPairStripRows;
  const std::int64_t values_behind = pages.values_behind();
  const std::int64_t query_stride = query_stride_of(cache.head_dim);
  const std::int64_t output_stride = output_stride_of(cache.head_dim);
  clear_sums<Pairs>(span, tile.rows, output_stride);
  for (std::int64_t i = 0; i < strips; ++i) {
    const std::int64_t row = i * kPairStripRows;
    PairStrip& strip = tile.strips[i];
    strip.rows = tile.rows - row < kPairStripRows ? tile.rows - row : kPairStripRows;
    strip.head_dim = cache.head_dim;
    strip.query_stride = query_stride;
    strip.output_stride = output_stride;
    strip.softcap = cache.softcap;
    strip.softcap_scale = cache.softcap_scale;
    strip.queries = queries + row * query_stride;
    strip.outputs = span.outputs + row * output_stride;
    strip.maximum = span.maximum + row;
    strip.weight_sums = span.weights + row * kLanes;
  }
  const std::uint8_t* record = pages.keys(first);
  for (std::int64_t page = first; page <= last; ++page) {
    const std::uint8_t* next = page < pages.last ? pages.keys(page + 1) : record;
    const std::uint16_t* keys =
        Source::template keys<Pairs>(PageRecord{record, next, cache.head_dim}, decoded);
    // What tiles fetch while they multiply; where codes are decoded these are fetched then.
    const auto* next_keys = Source::kDecodes ? decoded : reinterpret_cast<const std::uint16_t*>(next);
    const auto* next_values =
        Source::kDecodes ? decoded : reinterpret_cast<const std::uint16_t*>(next + values_behind);
    for (std::int64_t i = 0; i < strips; ++i) {
      enter_pair_chunk(tile.strips[i], tile.positions + i * kPairStripRows, page * kPageTokens, cache.window);
      tile.strips[i].next_page = next_keys;
      // A line for each step of two columns: half the strips fetch the keys, half the values.
      constexpr std::int64_t kParts = kPairTileRows / kPairStripRows / 2;
      tile.strips[i].next_part =
          (i / kParts == 0 ? next_keys : next_values) + i % kParts * (kPageTokens / kParts) * cache.head_dim;
    }
    weigh_keys<Pairs>(tile.strips, strips, keys);
    const std::uint16_t* values = Source::template values<Pairs>(
        PageRecord{record + values_behind, next + values_behind, cache.head_dim}, decoded);
    for (std::int64_t i = 0; i < strips; ++i) {
      PairStrip& strip = tile.strips[i];
      strip.next_page = next_values;
      if (strip.lowest < strip.highest) weigh_pair_strip<Pairs>(strip, values);
    }
    record = next;
  }
}

static constexpr std::int64_t last_page_of_span(std::int64_t page) {
  return page / kSpanPages * kSpanPages + kSpanPages - 1;
}

/// Queries lie behind the sums of two spans.
static inline std::uint16_t* queries_of(PairTile& tile, std::int64_t head_dim) {
  auto* outputs = reinterpret_cast<float*>(&tile + 1);
  return reinterpret_cast<std::uint16_t*>(outputs + 2 * kPairTileRows * output_stride_of(head_dim));
}

/// A page of one head behind the queries.
static inline std::uint16_t* decoded_of(PairTile& tile, std::int64_t head_dim) {
  return queries_of(tile, head_dim) + kPairTileRows * query_stride_of(head_dim);
}

template <class Pairs, class Source>
void attend_pair_tile(PairTile& tile, const PairCache& cache, const SequenceEntry& sequence,
                      std::int64_t kv_head) {
  std::uint16_t* queries = queries_of(tile, cache.head_dim);
  const std::int64_t stride = output_stride_of(cache.head_dim);
  auto* outputs = reinterpret_cast<float*>(&tile + 1);
  PairSums span{tile.maximum[0], tile.weights[0][0], outputs};
  PairSums total{tile.maximum[1], tile.weights[1][0], outputs + kPairTileRows * stride};
  round_queries<Pairs, Source>(tile, cache, queries);
  const PairPages pages = visible_pages(tile, cache, sequence, kv_head);
  for (std::int64_t page = pages.first; page <= pages.last; page = last_page_of_span(page) + 1) {
    const std::int64_t end = last_page_of_span(page);
    attend_span<Pairs, Source>(tile, pages, page, end < pages.last ? end : pages.last, queries, span,
                               decoded_of(tile, cache.head_dim));
    if (page != pages.first) {
      merge_spans<Pairs>(total, span, tile.rows, stride);
    } else {
      const PairSums finished = span;
      span = total;
      total = finished;
    }
  }
  divide_sums<Pairs, Source>(tile, total, cache.head_dim, stride);
}

/// The tile has `rows` of the sequence and kv head.
static inline void set_rows(PairTile& tile, const KernelCall& call, const AttentionRows& all,
                            const SequenceEntry& sequence, std::int64_t kv_head, const Range& rows) {
  const std::int64_t heads = call.inputs[0].dims[1];
  const std::int64_t head_dim = call.inputs[0].dims[2];
  tile.rows = rows.end - rows.begin;
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    const std::int64_t token = (rows.begin + r) / all.group;
    const std::int64_t head = kv_head * all.group + (rows.begin + r) % all.group;
    const std::int64_t offset = ((sequence.first_token + token) * heads + head) * head_dim;
    tile.sources[r] = static_cast<const float*>(call.inputs[0].data) + offset;
    tile.targets[r] = static_cast<float*>(call.outputs[0].data) + offset;
    tile.positions[r] = last_visible(all, sequence, token);
  }
}

/// One span's sums of one kv head's rows, of one token: [kLanes] maxima, [rows][kLanes] weights,
/// [rows][output stride] outputs.
static constexpr std::int64_t split_unit_floats(std::int64_t group, std::int64_t head_dim) {
  return kLanes + group * (kLanes + output_stride_of(head_dim));
}

/// Whether one token's heads are dealt to threads by spans: where heads alone would have two threads read the
/// keys of one.
static constexpr bool can_split(const KernelCall& call) {
  const std::int64_t kv_heads = call.inputs[1].dims[3];
  return call.threads > 1 && call.inputs[0].dims[0] == 1 && kv_heads % call.threads != 0 &&
         call.inputs[0].dims[1] <= kv_heads * kLanes;
}

static constexpr std::int64_t most_split_units(const KernelCall& call) {
  const std::int64_t spans = call.inputs[3].dims[0] / kSpanPages + 2;
  return (call.inputs[1].dims[3] * spans + call.threads - 1) / call.threads;
}

template <class Source>
std::int64_t split_offset(const KernelCall& call) {
  const std::int64_t head_dim = call.inputs[0].dims[2];
  const std::int64_t decoded = Source::kDecodes ? 2 * kPageTokens * head_dim : 0;
  return round_to(static_cast<std::int64_t>(sizeof(PairTile)) +
                      kPairTileRows * (2 * query_stride_of(head_dim) + 8 * output_stride_of(head_dim)) +
                      decoded,
                  64);
}

template <class Pairs, class Source>
std::size_t pair_attention_scratch_bytes(const KernelCall& call) {
  const std::int64_t group = call.inputs[0].dims[1] / call.inputs[1].dims[3];
  const std::int64_t units = can_split(call) ? most_split_units(call) : 0;
  return static_cast<std::size_t>(split_offset<Source>(call) +
                                  units * split_unit_floats(group, call.inputs[0].dims[2]) * 4);
}

/// Units are spans of kv heads, numbered head by head and dealt in contiguous runs; each thread leaves the
/// sums of its own in its scratch. When all have, each merges the spans of some heads, in ascending order.
template <class Pairs, class Source>
void attend_split(const KernelCall& call, const AttentionRows& all, const PairCache& cache,
                  const SequenceEntry& sequence) {
  auto& tile = *static_cast<PairTile*>(call.scratch);
  std::uint16_t* queries = queries_of(tile, cache.head_dim);
  const std::int64_t stride = output_stride_of(cache.head_dim);
  const std::int64_t unit_floats = split_unit_floats(all.group, cache.head_dim);
  const Range rows{0, all.group};
  set_rows(tile, call, all, sequence, 0, rows);
  const PairPages seen = visible_pages(tile, cache, sequence, 0);
  const std::int64_t first_span = seen.first / kSpanPages;
  const std::int64_t spans = seen.last / kSpanPages - first_span + 1;
  const std::int64_t units = all.kv_heads * spans;
  const auto first_unit = [&](std::int64_t thread) { return units * thread / call.threads; };
  const auto sums_of = [&](std::int64_t unit) {
    std::int64_t owner = 0;
    while (first_unit(owner + 1) <= unit) ++owner;
    auto* scratch = static_cast<std::uint8_t*>(call.scratch) + split_offset<Source>(call) +
                    (owner - call.thread) * call.meeting->scratch_stride;
    auto* floats = reinterpret_cast<float*>(scratch) + (unit - first_unit(owner)) * unit_floats;
    return PairSums{floats, floats + kLanes, floats + kLanes + all.group * kLanes};
  };

  std::int64_t head = -1;  // whose queries are rounded
  for (std::int64_t unit = first_unit(call.thread); unit < first_unit(call.thread + 1); ++unit) {
    if (unit / spans != head) {
      head = unit / spans;
      set_rows(tile, call, all, sequence, head, rows);
      round_queries<Pairs, Source>(tile, cache, queries);
    }
    const PairPages pages = visible_pages(tile, cache, sequence, head);
    const std::int64_t begin = (first_span + unit % spans) * kSpanPages;
    const std::int64_t end = last_page_of_span(begin);
    attend_span<Pairs, Source>(tile, pages, begin > pages.first ? begin : pages.first,
                               end < pages.last ? end : pages.last, queries, sums_of(unit),
                               decoded_of(tile, cache.head_dim));
  }
  call.meeting->wait(*call.meeting);
  for (head = call.thread; head < all.kv_heads; head += call.threads) {
    set_rows(tile, call, all, sequence, head, rows);
    const PairSums total = sums_of(head * spans);
    for (std::int64_t span = 1; span < spans; ++span)
      merge_spans<Pairs>(total, sums_of(head * spans + span), all.group, stride);
    divide_sums<Pairs, Source>(tile, total, cache.head_dim, stride);
  }
}

template <class Pairs, class Source>
[[gnu::noinline]] void attend_pairs(const KernelCall& call) {
  const TensorArg& q = call.inputs[0];      // [tokens, heads, head_dim]
  const TensorArg& pages = call.inputs[1];  // [layers, pages, 2, kv_heads, 64 * head_dim]
  const std::int64_t heads = q.dims[1];
  const std::int64_t head_dim = q.dims[2];
  const std::int64_t kv_heads = pages.dims[3];
  const std::int64_t group = heads / kv_heads;
  const double scale = call.attributes[1].real;
  const double softcap = call.attributes[3].real;
  const std::int64_t key_bytes = Source::key_bytes(head_dim);
  const std::int64_t value_bytes = Source::value_bytes(head_dim);
  const PairCache cache{static_cast<const std::uint8_t*>(pages.data) +
                            call.attributes[0].integer * pages.dims[1] * kv_heads * (key_bytes + value_bytes),
                        key_bytes,
                        value_bytes,
                        static_cast<const std::int32_t*>(call.inputs[3].data),
                        kv_heads,
                        head_dim,
                        call.attributes[2].integer,
                        static_cast<float>(softcap > 0 ? scale : scale * kLog2E),
                        static_cast<float>(softcap),
                        static_cast<float>(softcap * kLog2E)};
  const AttentionRows all{kv_heads, group, cache.window, call.attributes[4].integer != 0};
  const auto* sequences = static_cast<const SequenceEntry*>(call.inputs[2].data);
  if (call.meeting != nullptr && can_split(call))
    return attend_split<Pairs, Source>(call, all, cache, sequences[0]);
  auto& tile = *static_cast<PairTile*>(call.scratch);
  share_attention(call, all, sequences, call.inputs[2].dims[0],
                  [&](const SequenceEntry& sequence, std::int64_t kv_head, const Range& rows) {
                    for (std::int64_t begin = rows.begin; begin < rows.end; begin += kPairTileRows) {
                      const std::int64_t end = begin + kPairTileRows;
                      set_rows(tile, call, all, sequence, kv_head, {begin, end < rows.end ? end : rows.end});
                      attend_pair_tile<Pairs, Source>(tile, cache, sequence, kv_head);
                    }
                  });
}

template <class Pairs>
void run_pair_attention(const KernelCall& call) {
  flush_denormals(call, attend_pairs<Pairs, PairSource>);
}

template <class Pairs>
void run_code_attention(const KernelCall& call) {
  flush_denormals(call, call.inputs[1].dtype == kCacheCodes8 ? attend_pairs<Pairs, Q8Source>
                                                             : attend_pairs<Pairs, Q4Source>);
}

}  // namespace lathe::vector
