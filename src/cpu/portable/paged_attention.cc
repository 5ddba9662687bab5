// PagedAttention: q [T, heads, head_dim], cache [layers, pages, 2, kv_heads, 64 * head_dim] f32 or f16,
// sequences, block_tables -> [T, heads, head_dim]; attributes layer, scale, window (0: none), softcap (0:
// none), causal (0: every token sees all tokens of its sequence). Heads are [kv head][group].
//
// Per token and head, chunk by chunk of 64 positions (one page): scores (with a softcap c: c tanh(score /
// c)), their maximum, exponentials, their sum in 16 lanes, the weighted sum of the values; then chunks are
// merged in ascending order. Chunks that are wholly masked and slots that are not visible are never read:
// they may hold anything.
#include <cmath>
#include <limits>

#include "base/half.h"
#include "cpu/portable/paged_attention.h"
#include "cpu/portable/tanh_f32.h"

namespace lathe::portable {
namespace {

float load(const float* source) { return *source; }
float load(const std::uint16_t* source) { return half_to_float(*source); }

/// One chunk's part of the result, before the division.
struct Partial {
  float maximum;
  float sum;
  float* output;  // [head_dim]
};

struct Scoring {
  float scale;
  float softcap;  // 0: none
};

/// Slots [begin, end) of the page are visible.
template <class Element>
void compute_chunk(const float* query, const Element* keys, const Element* values, std::int64_t head_dim,
                   std::int64_t begin, std::int64_t end, const Scoring& scoring, Partial& partial) {
  float p[kPageTokens] = {};
  for (std::int64_t d = 0; d < head_dim; ++d)
    for (std::int64_t j = begin; j < end; ++j)
      p[j] = std::fma(query[d], load(keys + d * kPageTokens + j), p[j]);
  partial.maximum = -std::numeric_limits<float>::infinity();
  for (std::int64_t j = begin; j < end; ++j) {
    p[j] = scoring.scale * p[j];
    if (scoring.softcap > 0) p[j] = scoring.softcap * tanh_f32(p[j] / scoring.softcap);
    partial.maximum = p[j] > partial.maximum ? p[j] : partial.maximum;
  }
  float lanes[16] = {};
  for (std::int64_t j = begin; j < end; ++j) {
    p[j] = exp_f32(p[j] - partial.maximum);
    lanes[j % 16] += p[j];
  }
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  partial.sum = lanes[0];
  for (std::int64_t d = 0; d < head_dim; ++d) partial.output[d] = 0;
  for (std::int64_t j = begin; j < end; ++j)
    for (std::int64_t d = 0; d < head_dim; ++d)
      partial.output[d] = std::fma(p[j], load(values + j * head_dim + d), partial.output[d]);
}

void merge(Partial& total, const Partial& chunk, std::int64_t head_dim) {
  const float maximum = chunk.maximum > total.maximum ? chunk.maximum : total.maximum;
  const float a = exp_f32(total.maximum - maximum);
  const float b = exp_f32(chunk.maximum - maximum);
  total.maximum = maximum;
  total.sum = std::fma(total.sum, a, chunk.sum * b);
  for (std::int64_t d = 0; d < head_dim; ++d)
    total.output[d] = std::fma(total.output[d], a, chunk.output[d] * b);
}

template <class Element>
void attend(const KernelCall& call) {
  const auto& q = call.inputs[0];
  const auto& cache = call.inputs[1];
  const std::int64_t heads = q.dims[1];
  const std::int64_t head_dim = q.dims[2];
  const std::int64_t kv_heads = cache.dims[3];
  const std::int64_t page_elements = kPageTokens * head_dim;
  const Scoring scoring{static_cast<float>(call.attributes[1].real),
                        static_cast<float>(call.attributes[3].real)};
  const std::int64_t window = call.attributes[2].integer;
  const bool causal = call.attributes[4].integer != 0;
  const auto* sequences = data_of<const SequenceEntry>(call.inputs[2]);
  const auto* block_tables = data_of<const std::int32_t>(call.inputs[3]);
  const auto* pages = data_of<const Element>(cache) +
                      call.attributes[0].integer * cache.dims[1] * 2 * kv_heads * page_elements;
  auto* chunk_output = static_cast<float*>(call.scratch);

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
      const float* query = data_of<const float>(q) + offset;
      Partial total{0, 0, data_of<float>(call.outputs[0]) + offset};
      Partial chunk{0, 0, chunk_output};
      const std::int64_t first_page = first / kPageTokens;
      for (std::int64_t page = first_page; page <= last / kPageTokens; ++page) {
        const std::int64_t start = page * kPageTokens;
        const std::int64_t begin = first > start ? first - start : 0;
        const std::int64_t end = last - start < kPageTokens ? last - start + 1 : kPageTokens;
        const std::int64_t number = block_tables[sequence.first_page_entry + page];
        const Element* keys = pages + (number * 2 * kv_heads + kv_head) * page_elements;
        const Element* values = keys + kv_heads * page_elements;
        compute_chunk(query, keys, values, head_dim, begin, end, scoring, page == first_page ? total : chunk);
        if (page != first_page) merge(total, chunk, head_dim);
      }
      for (std::int64_t d = 0; d < head_dim; ++d) total.output[d] /= total.sum;
    }
  }
}

void run(const KernelCall& call) {
  if (static_cast<Dtype>(call.inputs[1].dtype) == Dtype::f32)
    attend<float>(call);
  else
    attend<std::uint16_t>(call);
}

std::size_t scratch_bytes(const KernelCall& call) {
  return static_cast<std::size_t>(call.inputs[0].dims[2]) * sizeof(float);
}

}  // namespace

std::span<const Kernel> paged_attention_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.paged_attention",
                                     .op = "PagedAttention",
                                     .arithmetic = "f32",
                                     .accepts = accepts_paged_attention<Dtype::f32, Dtype::f16>,
                                     .run = run,
                                     .scratch_bytes = scratch_bytes,
                                     .serial = is_serial_paged_attention}};
  return kKernels;
}

}  // namespace lathe::portable
