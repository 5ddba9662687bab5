// Rows to 8-bit codes, four blocks at a time; what it computes is in portable/quantize_activation.cc.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/avx2/block_scale.h"
#include "cpu/avx512/vector.h"
#include "cpu/matmul_shape.h"

namespace lathe::avx512 {
namespace {

constexpr int kBlocks = 4;  // that are reduced together
constexpr int kChunkBlocks = 16;

/// Reduces four vectors at once: lane i % 4 of the result is the reduction of vectors[i % 4].
template <class Combine>
[[gnu::always_inline]] inline __m128 reduce_each(const __m512 vectors[kBlocks], Combine combine) {
  const auto pairs = [&](__m512 a, __m512 b) {
    return combine(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  };
  const __m512d first = _mm512_castps_pd(pairs(vectors[0], vectors[1]));
  const __m512d second = _mm512_castps_pd(pairs(vectors[2], vectors[3]));
  __m512 all = combine(_mm512_castpd_ps(_mm512_unpacklo_pd(first, second)),
                       _mm512_castpd_ps(_mm512_unpackhi_pd(first, second)));
  all = combine(all, _mm512_shuffle_f32x4(all, all, 0x4e));
  all = combine(all, _mm512_shuffle_f32x4(all, all, 0xb1));
  return _mm512_castps512_ps128(all);
}

/// Codes of 16 values as 32-bit integers.
[[gnu::always_inline]] inline __m512i quantize(__m512 values, __m512 inverse, __m512 zero) {
  __m512 position = _mm512_fmadd_ps(values, inverse, zero);
  position = _mm512_max_ps(position, _mm512_setzero_ps());  // NaN becomes the second operand, 0
  return _mm512_cvtps_epi32(_mm512_min_ps(position, _mm512_set1_ps(255.0f)));
}

/// Of the first `count` (1 to 4) blocks.
[[gnu::always_inline]] inline avx2::BlockScales scales_of(const float* values, int count) {
  __m512 low[kBlocks];
  __m512 high[kBlocks];
  unsigned nan_blocks = 0;
  for (int i = 0; i < kBlocks; ++i) {
    const float* block = values + (i < count ? i : 0) * kActivationBlock;
    const __m512 first = _mm512_loadu_ps(block);
    const __m512 second = _mm512_loadu_ps(block + 16);
    low[i] = _mm512_min_ps(first, second);
    high[i] = _mm512_max_ps(first, second);
    nan_blocks |= static_cast<unsigned>(_mm512_cmp_ps_mask(first, second, _CMP_UNORD_Q) != 0) << i;
  }
  const __m128 lowest = reduce_each(low, [](__m512 a, __m512 b) { return _mm512_min_ps(a, b); });
  const __m128 highest = reduce_each(high, [](__m512 a, __m512 b) { return _mm512_max_ps(a, b); });
  return avx2::block_scales(
      lowest, _mm_mask_mov_ps(highest, static_cast<__mmask8>(nan_blocks), _mm_set1_ps(__builtin_inff())));
}

/// Quantizes up to kChunkBlocks neighbouring blocks of a row. `factors` points at the first one's scale;
/// zeros and sums follow `stride` bytes apart. Factors come first for all blocks, so that their long chains
/// overlap.
inline void quantize_chunk(const float* values, int count, std::uint8_t* codes, std::uint8_t* factors,
                           std::int64_t stride) {
  float scales[kChunkBlocks];
  float inverses[kChunkBlocks];
  float zeros[kChunkBlocks];
  for (int i = 0; i < count; i += kBlocks) {
    const avx2::BlockScales result = scales_of(values + i * kActivationBlock, count - i);
    _mm_storeu_ps(scales + i, result.scale);
    _mm_storeu_ps(inverses + i, result.inverse);
    _mm_storeu_ps(zeros + i, result.zero);
  }
  for (int i = 0; i < count; i += kBlocks) {
    __m512 sums[kBlocks];  // of codes: whole numbers, so that their order does not matter
    __m512 half_sums[kBlocks];
    for (int k = 0; k < kBlocks; ++k) {
      const int block = i + k < count ? i + k : i;
      const __m512 inverse = _mm512_set1_ps(inverses[block]);
      const __m512 zero = _mm512_set1_ps(zeros[block]);
      const float* source = values + block * kActivationBlock;
      const __m512i low = quantize(_mm512_loadu_ps(source), inverse, zero);
      const __m512i high = quantize(_mm512_loadu_ps(source + 16), inverse, zero);
      auto* out = reinterpret_cast<__m128i*>(codes + block * kActivationBlock);
      _mm_storeu_si128(out, _mm512_cvtepi32_epi8(low));
      _mm_storeu_si128(out + 1, _mm512_cvtepi32_epi8(high));
      sums[k] = _mm512_cvtepi32_ps(_mm512_add_epi32(low, high));
      half_sums[k] = _mm512_cvtepi32_ps(low);
    }
    const auto add = [](__m512 a, __m512 b) { return _mm512_add_ps(a, b); };
    const __m128 zero = _mm_loadu_ps(zeros + i);
    const __m128 sum = _mm_fnmadd_ps(_mm_set1_ps(32.0f), zero, reduce_each(sums, add));  // exact
    const __m128 half_sum = _mm_fnmadd_ps(_mm_set1_ps(16.0f), zero, reduce_each(half_sums, add));
    const __m128 scale = _mm_loadu_ps(scales + i);
    const auto present = static_cast<__mmask8>((1u << (count - i < kBlocks ? count - i : kBlocks)) - 1u);
    std::uint8_t* out = factors + i * 4;
    _mm_mask_storeu_ps(out, present, scale);
    _mm_mask_storeu_epi32(out + stride, present, _mm_cvtps_epi32(zero));
    _mm_mask_storeu_ps(out + 2 * stride, present, _mm_mul_ps(scale, sum));
    _mm_mask_storeu_ps(out + 3 * stride, present, _mm_mul_ps(scale, half_sum));
  }
}

/// Quantizes `count` neighbouring blocks of a row from block `first` on, whose values are given, into the
/// row's record.
inline void quantize_blocks(Vector, const float* values, std::int64_t first, std::int64_t count,
                            std::int64_t columns, std::uint8_t* row) {
  const std::int64_t end = first + count;
  for (std::int64_t block = first; block < end; block += kChunkBlocks) {
    quantize_chunk(values, static_cast<int>(end - block < kChunkBlocks ? end - block : kChunkBlocks),
                   row + block * kActivationBlock, row + columns + block * 4, columns / kActivationBlock * 4);
    values += kChunkBlocks * kActivationBlock;
  }
}

}  // namespace
}  // namespace lathe::avx512
