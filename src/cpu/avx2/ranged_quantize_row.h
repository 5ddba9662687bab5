// Rows to 8-bit codes with scales of many columns or known ahead; what it computes is in
// portable/ranged_quantize_activation.cc.
#pragma once

#include "cpu/avx2/quantize_row.h"

namespace lathe::avx2 {
namespace {

/// Of up to kBlocks blocks.
struct ScaleNumbers {
  explicit ScaleNumbers(const BlockScales& of) {
    _mm_storeu_ps(scale, of.scale);
    _mm_storeu_ps(inverse, of.inverse);
    _mm_storeu_ps(zero, of.zero);
  }
  float scale[kBlocks];
  float inverse[kBlocks];
  float zero[kBlocks];
};

/// Of `count` blocks that share one scale.
inline BlockScales common_scale(const float* values, std::int64_t count) {
  __m256 low = _mm256_loadu_ps(values);
  __m256 high = low;
  __m256 unordered = _mm256_setzero_ps();
  for (std::int64_t i = 0; i < count * kActivationBlock; i += 8) {
    const __m256 some = _mm256_loadu_ps(values + i);
    low = _mm256_min_ps(low, some);
    high = _mm256_max_ps(high, some);
    unordered = _mm256_or_ps(unordered, _mm256_cmp_ps(some, some, _CMP_UNORD_Q));
  }
  const float most = _mm256_movemask_ps(unordered) != 0 ? __builtin_inff() : reduce_max(high);
  return block_scales(_mm_set1_ps(reduce_min(low)), _mm_set1_ps(most));
}

/// Blocks [first, first + count) of a row, whose values are given, with one scale.
inline void quantize_group(Vector, const float* values, std::int64_t first, std::int64_t count,
                           std::int64_t columns, std::uint8_t* row) {
  const ScaleNumbers common(common_scale(values, count));
  for (std::int64_t block = first; block < first + count; ++block, values += kActivationBlock)
    quantize_block(values, {}, common.scale[0], common.inverse[0], common.zero[0],
                   row + block * kActivationBlock, row + columns + block * 4, columns / kActivationBlock * 4);
}

inline bool is_finite(const float* block) {
  __m256 sum = _mm256_setzero_ps();
  for (int i = 0; i < 4; ++i) sum = _mm256_fmadd_ps(_mm256_loadu_ps(block + 8 * i), _mm256_setzero_ps(), sum);
  return _mm256_movemask_ps(_mm256_cmp_ps(sum, sum, _CMP_UNORD_Q)) == 0;
}

/// A row whose blocks' scales hold `ranges`, [2, blocks]; `marks` of fine columns may be null.
inline void quantize_known(Vector, const float* values, const float* ranges, const float* marks,
                           std::int64_t columns, std::uint8_t* row) {
  const std::int64_t blocks = columns / kActivationBlock;
  for (std::int64_t first = 0; first < blocks; first += kBlocks) {
    const int some = static_cast<int>(blocks - first < kBlocks ? blocks - first : kBlocks);
    float low[kBlocks] = {};
    float high[kBlocks] = {};
    for (int b = 0; b < some; ++b) {
      low[b] = ranges[first + b];
      high[b] =
          is_finite(values + (first + b) * kActivationBlock) ? ranges[blocks + first + b] : __builtin_inff();
    }
    const ScaleNumbers scales(block_scales(_mm_loadu_ps(low), _mm_loadu_ps(high)));
    for (int b = 0; b < some; ++b) {
      const std::int64_t at = (first + b) * kActivationBlock;
      quantize_block(values + at, marked_columns(marks == nullptr ? nullptr : marks + at), scales.scale[b],
                     scales.inverse[b], scales.zero[b], row + at, row + columns + (first + b) * 4,
                     blocks * 4);
    }
  }
}

}  // namespace
}  // namespace lathe::avx2
