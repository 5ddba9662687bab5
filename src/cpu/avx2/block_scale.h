// Scales and zeros of four blocks of activations at once, as portable/row_functions.h computes them; for AVX2
// and AVX-512.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "quant/activation.h"

namespace lathe::avx2 {
namespace {

struct BlockScales {
  __m128 scale;
  __m128 inverse;  // 0 where all codes are
  __m128 zero;     // a whole number
};

/// That holds both ends to half a step, if `zero` is the code of 0.
[[gnu::always_inline]] inline __m128 scale_of(__m128 low, __m128 high, __m128 zero) {
  const __m128 below = _mm_div_ps(_mm_sub_ps(_mm_setzero_ps(), low), _mm_add_ps(zero, _mm_set1_ps(0.5f)));
  return _mm_max_ps(below, _mm_div_ps(high, _mm_sub_ps(_mm_set1_ps(255.5f), zero)));
}

/// Of blocks between `low` and `high`; one that holds a NaN has an infinite `high`.
[[gnu::always_inline]] inline BlockScales block_scales(__m128 low, __m128 high) {
  constexpr auto kStep = static_cast<float>(kZeroStep);
  const __m128 nought = _mm_setzero_ps();
  low = _mm_min_ps(low, nought);
  high = _mm_max_ps(high, nought);
  const __m128 range = _mm_sub_ps(high, low);
  const __m128 bounded = _mm_cmple_ps(range, _mm_set1_ps(__FLT_MAX__));
  const __m128 usual = _mm_and_ps(bounded, _mm_cmpge_ps(range, _mm_set1_ps(kLeastRange)));
  const __m128 place = _mm_mul_ps(_mm_div_ps(low, range), _mm_set1_ps(-255.0f / kStep));
  const __m128 lower = _mm_mul_ps(_mm_set1_ps(kStep), _mm_floor_ps(place));
  const __m128 upper = _mm_min_ps(_mm_add_ps(lower, _mm_set1_ps(kStep)), _mm_set1_ps(256.0f - kStep));
  const __m128 lower_scale = scale_of(low, high, lower);
  const __m128 upper_scale = scale_of(low, high, upper);
  const __m128 zero = _mm_blendv_ps(lower, upper, _mm_cmplt_ps(upper_scale, lower_scale));
  const __m128i low_bits = _mm_set1_epi32((1 << kScaleLowBits) - 1);
  const __m128i bits = _mm_add_epi32(_mm_castps_si128(_mm_min_ps(lower_scale, upper_scale)), low_bits);
  const __m128 scale = _mm_castsi128_ps(_mm_andnot_si128(low_bits, bits));
  const __m128 not_a_number = _mm_andnot_ps(bounded, _mm_set1_ps(__builtin_nanf("")));
  return {_mm_or_ps(_mm_and_ps(usual, scale), not_a_number),
          _mm_and_ps(usual, _mm_div_ps(_mm_set1_ps(1.0f), scale)), _mm_and_ps(usual, zero)};
}

}  // namespace
}  // namespace lathe::avx2
