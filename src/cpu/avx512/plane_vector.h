// What kernels of planes ask of 16 float lanes beside vector.h. avx2/plane_vector.h has the same.
#pragma once

#include "cpu/avx512/vector.h"

namespace lathe::avx512 {
namespace {

/// Lanes 0, 2, ... of a and then of b.
[[gnu::always_inline]] inline Vector even_lanes(Vector a, Vector b) {
  const __m512i order = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  return {_mm512_permutex2var_ps(a.lanes, order, b.lanes)};
}
/// Lanes 1, 3, ... of a and then of b.
[[gnu::always_inline]] inline Vector odd_lanes(Vector a, Vector b) {
  const __m512i order = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  return {_mm512_permutex2var_ps(a.lanes, order, b.lanes)};
}

/// The first 8 lanes of a and b in turns: a0, b0, a1, b1, ...
[[gnu::always_inline]] inline Vector low_pairs(Vector a, Vector b) {
  const __m512i order = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  return {_mm512_permutex2var_ps(a.lanes, order, b.lanes)};
}
/// The last 8 lanes of a and b in turns.
[[gnu::always_inline]] inline Vector high_pairs(Vector a, Vector b) {
  const __m512i order = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  return {_mm512_permutex2var_ps(a.lanes, order, b.lanes)};
}
/// Of each lane.
[[gnu::always_inline]] inline Vector square_root(Vector x) { return {_mm512_sqrt_ps(x.lanes)}; }

}  // namespace
}  // namespace lathe::avx512
