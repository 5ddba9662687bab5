// Groups of packed weights times 8-bit activations with 16-bit sums of u8 x s8 products; the arithmetic is in
// portable/quantized_linear.cc. A chunk of tokens keeps its sums of one 16-row group in the first-level cache
// while the group's weights stream by: each block is unpacked once and used for every token of the chunk,
// 8 rows at a time, with the codes in registers.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "cpu/avx2/packed_codes.h"
#include "cpu/matmul_shape.h"

namespace lathe::avx2 {
namespace {

constexpr std::int64_t kPrefetchBytes = 8192;  // ahead of what is read: memory's latency at full speed

/// Lanes that exist, as a mask for 8 floats.
inline __m256i lane_mask(std::int64_t rows) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(rows < 8 ? rows : 8)), lanes);
}

[[gnu::always_inline]] inline float load_float(const std::uint8_t* bytes) {
  float value;
  __builtin_memcpy(&value, bytes, sizeof value);
  return value;
}

/// Sum of products of columns [4 * kBegin, 4 * kEnd), for 8 rows.
template <int kBegin, int kEnd, int kSteps>
[[gnu::always_inline]] inline __m256i dot(const std::uint8_t* activation, const __m256i codes[8],
                                          short factor) {
  __m256i sum = _mm256_setzero_si256();
  for (int begin = kBegin; begin < kEnd; begin += kSteps) {
    __m256i pairs = _mm256_setzero_si256();
    for (int k = begin; k < begin + kSteps; ++k) {
      int four;
      __builtin_memcpy(&four, activation + 4 * k, sizeof four);
      pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(_mm256_set1_epi32(four), codes[k]));
    }
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(factor)));
  }
  return sum;
}

template <class Layout, int kBegin, int kEnd>
[[gnu::always_inline]] inline __m256i product(const std::uint8_t* activation, const WeightBlock& weight) {
  __m256i sum = dot<kBegin, kEnd, Layout::kSteps>(activation, weight.codes, 1);
  if constexpr (Layout::kTwoPlanes)
    sum = _mm256_add_epi32(sum, dot<kBegin, kEnd, Layout::kSteps>(activation, weight.high, 16));
  return sum;
}

/// Sums of 16 columns of codes. Four codes are added as bytes first.
[[gnu::always_inline]] inline __m256i sum_plane(const __m256i codes[4], short factor) {
  const __m256i bytes =
      _mm256_add_epi8(_mm256_add_epi8(codes[0], codes[1]), _mm256_add_epi8(codes[2], codes[3]));
  return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes), _mm256_set1_epi16(factor));
}

/// Sums of the codes: of columns 0 to 15 and 16 to 31, or all in the first unless the layout has half scales.
template <class Layout>
[[gnu::always_inline]] inline void sum_codes(const WeightBlock& weight, __m256 out[2]) {
  __m256i sums[2] = {sum_plane(weight.codes, 1), sum_plane(weight.codes + 4, 1)};
  if constexpr (Layout::kTwoPlanes) {
    sums[0] = _mm256_add_epi32(sums[0], sum_plane(weight.high, 16));
    sums[1] = _mm256_add_epi32(sums[1], sum_plane(weight.high + 4, 16));
  }
  if constexpr (Layout::kHalfScales)
    out[1] = _mm256_cvtepi32_ps(sums[1]);
  else
    sums[0] = _mm256_add_epi32(sums[0], sums[1]);
  out[0] = _mm256_cvtepi32_ps(sums[0]);
}

/// acc + scale * (s * product + m * sum of codes)
[[gnu::always_inline]] inline __m256 add_product(__m256i products, __m256 scale, __m256 sum, float s, float m,
                                                 __m256 acc) {
  const __m256 offset = _mm256_mul_ps(_mm256_set1_ps(m), sum);
  const __m256 t = _mm256_fmadd_ps(_mm256_set1_ps(s), _mm256_cvtepi32_ps(products), offset);
  return _mm256_fmadd_ps(scale, t, acc);
}

/// One block for `tokens` tokens; `codes` and `factors` are the first one's, the others follow `row_bytes`
/// apart.
template <class Layout>
[[gnu::always_inline]] inline void add_block(const WeightBlock& weight, const std::uint8_t* codes,
                                             const std::uint8_t* factors, std::int64_t row_bytes,
                                             std::int64_t factor_bytes, std::int64_t tokens, __m256* acc) {
  __m256 sum[2];
  sum_codes<Layout>(weight, sum);
  for (std::int64_t t = 0; t < tokens; ++t, codes += row_bytes, factors += row_bytes) {
    const float s = load_float(factors);
    const float m = load_float(factors + factor_bytes);
    const float x = load_float(factors + 2 * factor_bytes);
    if constexpr (Layout::kHalfScales) {
      acc[t] = add_product(product<Layout, 0, 4>(codes, weight), weight.scale[0], sum[0], s, m, acc[t]);
      acc[t] = add_product(product<Layout, 4, 8>(codes, weight), weight.scale[1], sum[1], s, m, acc[t]);
    } else {
      acc[t] = add_product(product<Layout, 0, 8>(codes, weight), weight.scale[0], sum[0], s, m, acc[t]);
    }
    if constexpr (Layout::kMinima) acc[t] = _mm256_fmadd_ps(weight.minimum, _mm256_set1_ps(x), acc[t]);
  }
}

/// Fetches the weights of the block that is read kPrefetchBytes later.
template <class Layout>
[[gnu::always_inline]] inline void prefetch_weights(const std::uint8_t* record, int block) {
  constexpr int kBytes = Layout::kInfo.record_bytes / (Layout::kInfo.columns_per_record / kActivationBlock);
  const std::uint8_t* ahead = record + block * kBytes + kPrefetchBytes;
  for (int i = 0; i < kBytes; i += 64) _mm_prefetch(ahead + i, _MM_HINT_T1);
}

/// All of `groups` for at most kChunkTokens tokens.
template <class Layout>
void multiply_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                    const Share& token_range) {
  constexpr int kRecordBlocks = Layout::kInfo.columns_per_record / kActivationBlock;
  const std::int64_t factor_bytes = shape.columns / kActivationBlock * 4;
  const std::int64_t records = shape.columns / Layout::kInfo.columns_per_record;
  const std::int64_t row_bytes = activation_row_bytes(shape.columns);
  const std::int64_t tokens = token_range.end - token_range.begin;
  const auto* inputs = static_cast<const std::uint8_t*>(call.inputs[0].data) + token_range.begin * row_bytes;
  const auto* record = static_cast<const std::uint8_t*>(call.inputs[1].data) +
                       groups.begin * records * Layout::kInfo.record_bytes;
  auto* output = static_cast<float*>(call.outputs[0].data) + token_range.begin * shape.rows;

  for (std::int64_t group = groups.begin; group < groups.end; ++group) {
    __m256 acc[2][kChunkTokens];
    for (std::int64_t t = 0; t < tokens; ++t) acc[0][t] = acc[1][t] = _mm256_setzero_ps();
    const std::uint8_t* block_codes = inputs;
    const std::uint8_t* block_factors = inputs + shape.columns;
    for (std::int64_t r = 0; r < records; ++r, record += Layout::kInfo.record_bytes) {
      for (int b = 0; b < kRecordBlocks; ++b, block_codes += kActivationBlock, block_factors += 4) {
        prefetch_weights<Layout>(record, b);
        for (int half = 0; half < 2; ++half) {
          WeightBlock weight;
          Layout::unpack(record, b, half, weight);
          add_block<Layout>(weight, block_codes, block_factors, row_bytes, factor_bytes, tokens, acc[half]);
        }
      }
    }
    const std::int64_t first_row = group * kPackedRows;
    for (int half = 0; half < 2; ++half) {
      const __m256i mask = lane_mask(shape.rows - first_row - 8 * half);
      for (std::int64_t t = 0; t < tokens; ++t)
        _mm256_maskstore_ps(output + t * shape.rows + first_row + 8 * half, mask, acc[half][t]);
    }
  }
}

}  // namespace
}  // namespace lathe::avx2
