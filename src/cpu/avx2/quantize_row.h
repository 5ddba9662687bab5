// Rows to 8-bit codes, four vectors a block; what it computes is in portable/quantize_activation.cc.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/avx2/block_scale.h"
#include "cpu/avx2/vector.h"
#include "cpu/fine_columns.h"
#include "cpu/matmul_shape.h"

namespace lathe::avx2 {
namespace {

inline void store_float(std::uint8_t* bytes, float value) { __builtin_memcpy(bytes, &value, sizeof value); }

inline float reduce_min(__m256 v) {
  __m128 r = _mm_min_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  r = _mm_min_ps(r, _mm_movehl_ps(r, r));
  return _mm_cvtss_f32(_mm_min_ss(r, _mm_movehdup_ps(r)));
}

inline float reduce_max(__m256 v) {
  __m128 r = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  r = _mm_max_ps(r, _mm_movehl_ps(r, r));
  return _mm_cvtss_f32(_mm_max_ss(r, _mm_movehdup_ps(r)));
}

/// Codes of 8 values as 32-bit integers.
inline __m256i quantize(__m256 values, __m256 inverse, __m256 zero) {
  __m256 position = _mm256_fmadd_ps(values, inverse, zero);
  position = _mm256_max_ps(position, _mm256_setzero_ps());  // NaN becomes the second operand, 0
  return _mm256_cvtps_epi32(_mm256_min_ps(position, _mm256_set1_ps(255.0f)));
}

constexpr int kBlocks = 4;  // whose scales are computed together

/// Those of a block's columns that are not 0 in `marks`; none where it is null.
inline FineColumns marked_columns(const float* marks) {
  std::uint32_t bits = 0;
  for (int i = 0; marks != nullptr && i < 4; ++i) {
    const __m256 marked = _mm256_cmp_ps(_mm256_loadu_ps(marks + 8 * i), _mm256_setzero_ps(), _CMP_NEQ_UQ);
    bits |= static_cast<std::uint32_t>(_mm256_movemask_ps(marked)) << (8 * i);
  }
  return fine_columns(bits);
}

/// A block whose fine columns are 0.
struct Rest {
  alignas(32) float values[kActivationBlock];
};
inline const float* rest_of(const float* values, const FineColumns& fine, Rest& rest) {
  if (fine.count == 0) return values;
  __builtin_memcpy(rest.values, values, sizeof rest.values);
  for (const std::int32_t column : fine.columns) rest.values[column] = 0.0f;
  return rest.values;
}

/// Of up to kBlocks blocks; the last one's where there are fewer.
inline BlockScales scales_of(const float* values, std::int64_t count, const FineColumns fine[kBlocks]) {
  float low[kBlocks];
  float high[kBlocks];
  for (int b = 0; b < kBlocks; ++b) {
    const std::int64_t there = b < count ? b : count - 1;
    Rest rest;
    const float* block = rest_of(values + there * kActivationBlock, fine[there], rest);
    __m256 v[4];
    for (int i = 0; i < 4; ++i) v[i] = _mm256_loadu_ps(block + 8 * i);
    const __m256 unordered =
        _mm256_or_ps(_mm256_cmp_ps(v[0], v[1], _CMP_UNORD_Q), _mm256_cmp_ps(v[2], v[3], _CMP_UNORD_Q));
    low[b] = reduce_min(_mm256_min_ps(_mm256_min_ps(v[0], v[1]), _mm256_min_ps(v[2], v[3])));
    high[b] = _mm256_movemask_ps(unordered) != 0
                  ? __builtin_inff()
                  : reduce_max(_mm256_max_ps(_mm256_max_ps(v[0], v[1]), _mm256_max_ps(v[2], v[3])));
    const float most = fine_range(fine[there], values + there * kActivationBlock);
    high[b] = most > high[b] ? most : high[b];
  }
  return block_scales(_mm_loadu_ps(low), _mm_loadu_ps(high));
}

/// `factors` points at the block's scale; the others follow `stride` bytes apart.
inline void quantize_block(const float* values, const FineColumns& fine, float scale, float inverse,
                           float zero, std::uint8_t* codes, std::uint8_t* factors, std::int64_t stride) {
  const FineCodes fine_values = fine_codes(fine, values, inverse);
  Rest rest;
  values = rest_of(values, fine, rest);
  __m256i code[4];
  for (int i = 0; i < 4; ++i)
    code[i] = quantize(_mm256_loadu_ps(values + 8 * i), _mm256_set1_ps(inverse), _mm256_set1_ps(zero));
  // The packs work within halves of a vector; the permutation puts the groups of four codes back in order.
  const __m256i bytes =
      _mm256_packus_epi16(_mm256_packus_epi32(code[0], code[1]), _mm256_packus_epi32(code[2], code[3]));
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const __m256i ordered = _mm256_permutevar8x32_epi32(bytes, order);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes), ordered);
  const __m256i sums = _mm256_sad_epu8(ordered, _mm256_setzero_si256());  // four sums of eight codes
  const __m256i halves = _mm256_add_epi64(sums, _mm256_unpackhi_epi64(sums, sums));
  const auto z = static_cast<int>(zero);
  const int first = _mm_cvtsi128_si32(_mm256_castsi256_si128(halves)) - 16 * z;
  const int sum = first + _mm_cvtsi128_si32(_mm256_extracti128_si256(halves, 1)) - 16 * z + fine_values.sum;
  const int entry = z | fine_places(fine);
  const int packed = packed_fine_codes(fine_values);
  store_float(factors, scale);
  __builtin_memcpy(factors + stride, &entry, sizeof entry);
  store_float(factors + 2 * stride, scale * static_cast<float>(sum));
  store_float(factors + 3 * stride, scale * static_cast<float>(first + fine_values.half_sum));
  __builtin_memcpy(factors + 4 * stride, &packed, sizeof packed);
}

/// Quantizes `count` neighbouring blocks of a row from block `first` on, whose values are given, and marks of
/// their fine columns, or null, into the row's record.
inline void quantize_blocks(Vector, const float* values, const float* marks, std::int64_t first,
                            std::int64_t count, std::int64_t columns, std::uint8_t* row) {
  const std::int64_t end = first + count;
  for (std::int64_t block = first; block < end; block += kBlocks, values += kBlocks * kActivationBlock) {
    FineColumns fine[kBlocks];
    for (int b = 0; marks != nullptr && b < kBlocks && block + b < end; ++b)
      fine[b] = marked_columns(marks + (block + b - first) * kActivationBlock);
    const BlockScales scales = scales_of(values, end - block, fine);
    float scale[kBlocks];
    float inverse[kBlocks];
    float zero[kBlocks];
    _mm_storeu_ps(scale, scales.scale);
    _mm_storeu_ps(inverse, scales.inverse);
    _mm_storeu_ps(zero, scales.zero);
    for (int b = 0; b < kBlocks && block + b < end; ++b)
      quantize_block(values + b * kActivationBlock, fine[b], scale[b], inverse[b], zero[b],
                     row + (block + b) * kActivationBlock, row + columns + (block + b) * 4,
                     columns / kActivationBlock * 4);
  }
}

}  // namespace
}  // namespace lathe::avx2
