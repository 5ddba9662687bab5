// Groups of packed weights times 8-bit activations with VNNI; the arithmetic is in
// portable/quantized_linear.cc. A chunk of tokens keeps its sums of one 16-row group in the first-level cache
// while the group's weights stream by: each block is unpacked in registers once and used for every token of
// the chunk.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "cpu/avx512/packed_codes.h"
#include "cpu/matmul_shape.h"

namespace lathe::avx512 {
namespace {

constexpr std::int64_t kPrefetchBytes = 8192;  // ahead of what is read: memory's latency at full speed

[[gnu::always_inline]] inline __m512i broadcast4(const std::uint8_t* codes) {
  int four;
  __builtin_memcpy(&four, codes, sizeof four);
  return _mm512_set1_epi32(four);
}

[[gnu::always_inline]] inline float load_float(const std::uint8_t* bytes) {
  float value;
  __builtin_memcpy(&value, bytes, sizeof value);
  return value;
}

/// acc + scale * (s * product + m * sum of codes)
[[gnu::always_inline]] inline __m512 add_product(__m512i product, __m512 scale, __m512 sum, float s, float m,
                                                 __m512 acc) {
  const __m512 offset = _mm512_mul_ps(_mm512_set1_ps(m), sum);
  const __m512 t = _mm512_fmadd_ps(_mm512_set1_ps(s), _mm512_cvtepi32_ps(product), offset);
  return _mm512_fmadd_ps(scale, t, acc);
}

inline __mmask16 row_mask(std::int64_t rows) {
  return rows >= kPackedRows ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1u << rows) - 1u);
}

/// Fetches the weights of the block that is read kPrefetchBytes later.
template <class Layout>
[[gnu::always_inline]] inline void prefetch_weights(const std::uint8_t* record, int block) {
  constexpr int kBytes = Layout::kInfo.record_bytes / (Layout::kInfo.columns_per_record / kActivationBlock);
  const std::uint8_t* ahead = record + block * kBytes + kPrefetchBytes;
  for (int i = 0; i < kBytes; i += 64) _mm_prefetch(ahead + i, _MM_HINT_T1);
}

/// One block for kTokens tokens; `codes` and `factors` are the first one's, the others follow `row_bytes`
/// apart.
template <Factors kFactors, int kTokens>
[[gnu::always_inline]] inline void add_block(const WeightBlock& weight, const std::uint8_t* codes,
                                             const std::uint8_t* factors, std::int64_t row_bytes,
                                             std::int64_t factor_bytes, __m512* acc) {
  __m512i low[kTokens];
  __m512i high[kTokens];
  for (int t = 0; t < kTokens; ++t) low[t] = high[t] = _mm512_setzero_si512();
  for (int k = 0; k < 4; ++k)
    for (int t = 0; t < kTokens; ++t) {
      low[t] = _mm512_dpbusd_epi32(low[t], broadcast4(codes + t * row_bytes + 4 * k), weight.codes[k]);
      high[t] =
          _mm512_dpbusd_epi32(high[t], broadcast4(codes + t * row_bytes + 16 + 4 * k), weight.codes[k + 4]);
    }
  for (int t = 0; t < kTokens; ++t) {
    const float s = load_float(factors + t * row_bytes);
    const float m = load_float(factors + t * row_bytes + factor_bytes);
    const float x = load_float(factors + t * row_bytes + 2 * factor_bytes);
    if constexpr (kFactors == Factors::half_scales) {
      acc[t] = add_product(low[t], weight.scale[0], weight.sum[0], s, m, acc[t]);
      acc[t] = add_product(high[t], weight.scale[1], weight.sum[1], s, m, acc[t]);
    } else {
      acc[t] = add_product(_mm512_add_epi32(low[t], high[t]), weight.scale[0], weight.sum[0], s, m, acc[t]);
    }
    if constexpr (kFactors == Factors::scale_and_minimum)
      acc[t] = _mm512_fmadd_ps(weight.minimum, _mm512_set1_ps(x), acc[t]);
  }
}

/// All of `groups` for at most kChunkTokens tokens.
template <class Layout>
void multiply_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                    const Share& token_range) {
  constexpr int kRecordBlocks = Layout::kInfo.columns_per_record / kActivationBlock;
  constexpr Factors kFactors = Layout::kFactors;
  const std::int64_t factor_bytes = shape.columns / kActivationBlock * 4;
  const std::int64_t records = shape.columns / Layout::kInfo.columns_per_record;
  const std::int64_t row_bytes = activation_row_bytes(shape.columns);
  const std::int64_t tokens = token_range.end - token_range.begin;
  const auto* inputs = static_cast<const std::uint8_t*>(call.inputs[0].data) + token_range.begin * row_bytes;
  const auto* record = static_cast<const std::uint8_t*>(call.inputs[1].data) +
                       groups.begin * records * Layout::kInfo.record_bytes;
  auto* output = static_cast<float*>(call.outputs[0].data) + token_range.begin * shape.rows;

  for (std::int64_t group = groups.begin; group < groups.end; ++group) {
    __m512 acc[kChunkTokens];
    for (std::int64_t t = 0; t < tokens; ++t) acc[t] = _mm512_setzero_ps();
    const std::uint8_t* block_codes = inputs;
    const std::uint8_t* block_factors = inputs + shape.columns;
    for (std::int64_t r = 0; r < records; ++r, record += Layout::kInfo.record_bytes) {
      for (int b = 0; b < kRecordBlocks; ++b, block_codes += kActivationBlock, block_factors += 4) {
        prefetch_weights<Layout>(record, b);
        WeightBlock weight;
        Layout::unpack(record, b, weight);
        const std::uint8_t* codes = block_codes;
        const std::uint8_t* factors = block_factors;
        __m512* sums = acc;
        std::int64_t left = tokens;
        for (; left >= 4; left -= 4, sums += 4, codes += 4 * row_bytes, factors += 4 * row_bytes)
          add_block<kFactors, 4>(weight, codes, factors, row_bytes, factor_bytes, sums);
        if (left >= 2) {
          add_block<kFactors, 2>(weight, codes, factors, row_bytes, factor_bytes, sums);
          left -= 2, sums += 2, codes += 2 * row_bytes, factors += 2 * row_bytes;
        }
        if (left == 1) add_block<kFactors, 1>(weight, codes, factors, row_bytes, factor_bytes, sums);
      }
    }
    const std::int64_t first_row = group * kPackedRows;
    for (std::int64_t t = 0; t < tokens; ++t)
      _mm512_mask_storeu_ps(output + t * shape.rows + first_row, row_mask(shape.rows - first_row), acc[t]);
  }
}

}  // namespace
}  // namespace lathe::avx512
