// What kernels of planes ask of 16 float lanes beside vector.h. avx512/plane_vector.h has the same.
#pragma once

#include "cpu/avx2/vector.h"

namespace lathe::avx2 {
namespace {

/// Lanes 0, 2, ... of a and then of b.
[[gnu::always_inline]] inline Vector even_lanes(Vector a, Vector b) {
  const auto half = [](Vector x) {
    const __m256 mixed = _mm256_shuffle_ps(x.low, x.high, 0x88);
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(mixed), 0xd8));
  };
  return {half(a), half(b)};
}
/// Lanes 1, 3, ... of a and then of b.
[[gnu::always_inline]] inline Vector odd_lanes(Vector a, Vector b) {
  const auto half = [](Vector x) {
    const __m256 mixed = _mm256_shuffle_ps(x.low, x.high, 0xdd);
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(mixed), 0xd8));
  };
  return {half(a), half(b)};
}

/// All lanes of two halves in turns: x0, y0, x1, y1, ...
[[gnu::always_inline]] inline Vector pairs_of(__m256 x, __m256 y) {
  const __m256 outer = _mm256_unpacklo_ps(x, y);  // 0, 1 and 4, 5
  const __m256 inner = _mm256_unpackhi_ps(x, y);  // 2, 3 and 6, 7
  return {_mm256_permute2f128_ps(outer, inner, 0x20), _mm256_permute2f128_ps(outer, inner, 0x31)};
}
/// The first 8 lanes of a and b in turns: a0, b0, a1, b1, ...
[[gnu::always_inline]] inline Vector low_pairs(Vector a, Vector b) { return pairs_of(a.low, b.low); }
/// The last 8 lanes of a and b in turns.
[[gnu::always_inline]] inline Vector high_pairs(Vector a, Vector b) { return pairs_of(a.high, b.high); }
/// Of each lane.
[[gnu::always_inline]] inline Vector square_root(Vector x) {
  return {_mm256_sqrt_ps(x.low), _mm256_sqrt_ps(x.high)};
}

}  // namespace
}  // namespace lathe::avx2
