// PagedAttention over a cache of bf16, or of codes that are read as bf16: as portable/paged_attention.cc, in
// the arithmetic of portable/pair_arithmetic.h. Queries times their scale, keys, values and weights are
// rounded to bf16; every output is one chain of dot products of pairs: columns (d, d + 1) for scores,
// positions (2i, 2i + 1) for values, in ascending order.
//
// Scores are in powers of two. A chunk is the 64 positions of a page, a span four chunks. In a span the
// weights are relative to the greatest score so far, rounded up to a whole number, so that a new one costs an
// exact factor; spans that a row sees are merged in ascending order. The sum of weights is that of the
// rounded ones, pair i of a chunk in lane i modulo 16. Slots that are not visible are never read: they may
// hold anything. Codes are of rotated rows (portable/cache_codes.h): queries are rotated likewise, outputs
// back.
#include <algorithm>
#include <limits>
#include <vector>

#include "cpu/portable/cache_codes.h"
#include "cpu/portable/paged_attention.h"
#include "cpu/portable/pair_arithmetic.h"
#include "cpu/portable/tanh_f32.h"

namespace lathe::portable {
namespace {

constexpr std::int64_t kSpanPages = 4;
constexpr int kLanes = 16;
constexpr float kNoScore = -0x1p100f;
constexpr double kLog2E = 1.4426950408889634;

struct Scoring {
  float query_factor;
  float softcap;        // 0: none
  float softcap_scale;  // softcap in powers of two
};

struct Sums {
  float maximum;
  float weights[kLanes];
  float* outputs;  // [head_dim]

  void clear(std::int64_t head_dim) {
    maximum = kNoScore;
    std::fill_n(weights, kLanes, 0.0f);
    std::fill_n(outputs, head_dim, 0.0f);
  }
};

/// Slots [begin, end) of a page are visible.
struct Chunk {
  const std::uint16_t* keys;    // [head_dim / 2][64][2], the last of an odd number of columns [64]
  const std::uint16_t* values;  // [32][head_dim][2]
  std::int64_t head_dim;
  std::int64_t begin;
  std::int64_t end;
};

float score(const Chunk& chunk, const float* query, std::int64_t slot) {
  float sum = 0;
  std::int64_t d = 0;
  for (; d + 1 < chunk.head_dim; d += 2) {
    const std::uint16_t* pair = chunk.keys + d * kPageTokens + 2 * slot;
    sum = add_pair(sum, {query[d], query[d + 1]}, {pair_element(pair[0]), pair_element(pair[1])});
  }
  if (d < chunk.head_dim)
    sum = add_pair(sum, {query[d], 0}, {pair_element(chunk.keys[d * kPageTokens + slot]), 0});
  return sum;
}

void scale_sums(Sums& sums, float factor, std::int64_t head_dim) {
  for (float& weight : sums.weights) weight = flush_denormal(factor * weight);
  for (std::int64_t d = 0; d < head_dim; ++d) sums.outputs[d] = flush_denormal(factor * sums.outputs[d]);
}

void add_chunk(const Chunk& chunk, const float* query, const Scoring& scoring, Sums& sums) {
  float x[kPageTokens];
  float maximum = -std::numeric_limits<float>::infinity();
  for (std::int64_t j = chunk.begin; j < chunk.end; ++j) {
    x[j] = score(chunk, query, j);
    if (scoring.softcap > 0)
      x[j] = flush_denormal(scoring.softcap_scale * tanh_f32(flush_denormal(x[j] / scoring.softcap)));
    maximum = x[j] > maximum ? x[j] : maximum;
  }
  const float before = sums.maximum;
  maximum = std::ceil(maximum);
  sums.maximum = maximum > before ? maximum : before;
  scale_sums(sums, power_of_two(before - sums.maximum), chunk.head_dim);

  float weights[kPageTokens] = {};
  for (std::int64_t j = chunk.begin; j < chunk.end; ++j)
    weights[j] = pair_element(round_to_pair_element(power_of_two(x[j] - sums.maximum)));
  for (std::int64_t pair = chunk.begin / 2; pair < (chunk.end + 1) / 2; ++pair) {
    float& lane = sums.weights[pair % kLanes];
    const float* weight = weights + 2 * pair;
    lane = add_pair(lane, {weight[0], weight[1]}, {1, 1});
    const bool sees_even = 2 * pair >= chunk.begin;
    const bool sees_odd = 2 * pair + 1 < chunk.end;
    for (std::int64_t d = 0; d < chunk.head_dim; ++d) {
      const std::uint16_t* value = chunk.values + 2 * (pair * chunk.head_dim + d);
      sums.outputs[d] =
          add_pair(sums.outputs[d], {weight[0], weight[1]},
                   {sees_even ? pair_element(value[0]) : 0.0f, sees_odd ? pair_element(value[1]) : 0.0f});
    }
  }
}

void merge(Sums& total, const Sums& span, std::int64_t head_dim) {
  const float before = total.maximum;
  total.maximum = span.maximum > before ? span.maximum : before;
  const float keep = power_of_two(before - total.maximum);
  const float add = power_of_two(span.maximum - total.maximum);
  const auto merged = [&](float a, float b) {
    return flush_denormal(std::fma(flush_denormal(a), keep, flush_denormal(flush_denormal(b) * add)));
  };
  for (int i = 0; i < kLanes; ++i) total.weights[i] = merged(total.weights[i], span.weights[i]);
  for (std::int64_t d = 0; d < head_dim; ++d) total.outputs[d] = merged(total.outputs[d], span.outputs[d]);
}

void divide(Sums& total, std::int64_t head_dim) {
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i)
      total.weights[i] = flush_denormal(total.weights[i] + total.weights[i + half]);
  for (std::int64_t d = 0; d < head_dim; ++d)
    total.outputs[d] = flush_denormal(total.outputs[d] / total.weights[0]);
}

/// Pages of bf16, read where they lie.
struct PairSource {
  using Element = std::uint16_t;
  static constexpr bool kRotated = false;

  static std::int64_t key_elements(std::int64_t head_dim) { return kPageTokens * head_dim; }
  static std::int64_t value_elements(std::int64_t head_dim) { return kPageTokens * head_dim; }
  static Chunk chunk(const Element* keys, const Element* values, std::int64_t head_dim, std::int64_t begin,
                     std::int64_t end, std::uint16_t*) {
    return {keys, values, head_dim, begin, end};
  }
};

/// Records of codes, read into `page`.
template <class Codes>
struct CodeSource {
  using Element = std::uint8_t;
  static constexpr bool kRotated = true;

  static std::int64_t key_elements(std::int64_t head_dim) {
    return Codes::Keys::kLayout.record_bytes(head_dim);
  }
  static std::int64_t value_elements(std::int64_t head_dim) {
    return Codes::Values::kLayout.record_bytes(head_dim);
  }
  static Chunk chunk(const Element* keys, const Element* values, std::int64_t head_dim, std::int64_t begin,
                     std::int64_t end, std::uint16_t* page) {
    std::uint16_t* value_page = page + kPageTokens * head_dim;
    read_codes<typename Codes::Keys>({keys, head_dim}, begin, end, page);
    read_codes<typename Codes::Values>({values, head_dim}, begin, end, value_page);
    return {page, value_page, head_dim, begin, end};
  }
};

template <class Source>
void attend(const KernelCall& call) {
  using Element = typename Source::Element;
  const auto& q = call.inputs[0];
  const auto& cache = call.inputs[1];
  const std::int64_t heads = q.dims[1];
  const std::int64_t head_dim = q.dims[2];
  const std::int64_t kv_heads = cache.dims[3];
  const std::int64_t key_elements = Source::key_elements(head_dim);
  const std::int64_t value_elements = Source::value_elements(head_dim);
  const std::int64_t page_elements = kv_heads * (key_elements + value_elements);
  const double scale = call.attributes[1].real;
  const double softcap = call.attributes[3].real;
  const Scoring scoring{static_cast<float>(softcap > 0 ? scale : scale * kLog2E), static_cast<float>(softcap),
                        static_cast<float>(softcap * kLog2E)};
  const std::int64_t window = call.attributes[2].integer;
  const bool causal = call.attributes[4].integer != 0;
  const auto* sequences = data_of<const SequenceEntry>(call.inputs[2]);
  const auto* block_tables = data_of<const std::int32_t>(call.inputs[3]);
  const auto* pages =
      data_of<const Element>(cache) + call.attributes[0].integer * cache.dims[1] * page_elements;
  auto* span_output = static_cast<float*>(call.scratch);
  float* query = span_output + head_dim;
  auto* decoded = reinterpret_cast<std::uint16_t*>(query + head_dim);  // keys and values of a page

  std::int64_t item = 0;  // (token, head) pairs over all sequences
  const Share share = share_of(call, q.dims[0] * heads);
  for (std::int64_t s = 0; s < call.inputs[2].dims[0]; ++s) {
    const SequenceEntry& sequence = sequences[s];
    for (std::int64_t row = 0; row < sequence.tokens * heads; ++row, ++item) {
      if (item < share.begin || item >= share.end) continue;
      const std::int64_t head = row % heads;
      const std::int64_t kv_head = head / (heads / kv_heads);
      const std::int64_t position = sequence.past + row / heads;
      const std::int64_t last = causal ? position : sequence.past + sequence.tokens - 1;
      const std::int64_t first = window > 0 && position >= window ? position - window + 1 : 0;
      const std::int64_t offset = (sequence.first_token * heads + row) * head_dim;
      std::copy_n(data_of<const float>(q) + offset, head_dim, query);
      if (Source::kRotated) rotate_columns(query, head_dim, flush_denormal);
      for (std::int64_t d = 0; d < head_dim; ++d)
        query[d] = pair_element(round_to_pair_element(scoring.query_factor * query[d]));
      Sums total{kNoScore, {}, data_of<float>(call.outputs[0]) + offset};
      Sums span{kNoScore, {}, span_output};
      const std::int64_t first_span = first / kPageTokens / kSpanPages;
      const std::int64_t last_page = last / kPageTokens;
      total.clear(head_dim);
      for (std::int64_t page = first / kPageTokens; page <= last_page; ++page) {
        const bool in_first = page / kSpanPages == first_span;
        if (!in_first && page % kSpanPages == 0) span.clear(head_dim);
        const std::int64_t start = page * kPageTokens;
        const std::int64_t number = block_tables[sequence.first_page_entry + page];
        const Element* keys = pages + number * page_elements + kv_head * key_elements;
        const Element* values =
            pages + number * page_elements + kv_heads * key_elements + kv_head * value_elements;
        const Chunk chunk =
            Source::chunk(keys, values, head_dim, first > start ? first - start : 0,
                          last - start < kPageTokens ? last - start + 1 : kPageTokens, decoded);
        add_chunk(chunk, query, scoring, in_first ? total : span);
        const bool ends = page == last_page || (page + 1) % kSpanPages == 0;
        if (!in_first && ends) merge(total, span, head_dim);
      }
      divide(total, head_dim);
      if (Source::kRotated) rotate_columns(total.outputs, head_dim, flush_denormal);
    }
  }
}

void run_codes(const KernelCall& call) {
  if (static_cast<Dtype>(call.inputs[1].dtype) == kCacheOfQ8)
    attend<CodeSource<CodesOfQ8>>(call);
  else
    attend<CodeSource<CodesOfQ4>>(call);
}

std::size_t scratch_bytes(const KernelCall& call) {
  return 2 * static_cast<std::size_t>(call.inputs[0].dims[2]) * sizeof(float);
}

std::size_t code_scratch_bytes(const KernelCall& call) {
  const auto head_dim = static_cast<std::size_t>(call.inputs[0].dims[2]);
  return scratch_bytes(call) + 2 * kPageTokens * head_dim * sizeof(std::uint16_t);
}

}  // namespace

std::span<const Kernel> paged_attention_bf16_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.paged_attention.bf16",
                                     .op = "PagedAttention",
                                     .arithmetic = "bf16",
                                     .accepts = accepts_paged_attention<Dtype::bf16>,
                                     .run = attend<PairSource>,
                                     .scratch_bytes = scratch_bytes,
                                     .serial = is_serial_paged_attention},
                                    {.name = "portable.paged_attention.codes",
                                     .op = "PagedAttention",
                                     .arithmetic = "bf16",
                                     .accepts = accepts_paged_attention<kCacheOfQ8, kCacheOfQ4>,
                                     .run = run_codes,
                                     .scratch_bytes = code_scratch_bytes,
                                     .serial = is_serial_paged_attention}};
  return kKernels;
}

}  // namespace lathe::portable
