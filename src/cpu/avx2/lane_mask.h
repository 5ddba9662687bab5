// Masks for groups of rows that are not full.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace lathe::avx2 {
namespace {

/// Lanes that exist, as a mask for 8 floats.
inline __m256i lane_mask(std::int64_t rows) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(rows < 8 ? rows : 8)), lanes);
}

}  // namespace
}  // namespace lathe::avx2
