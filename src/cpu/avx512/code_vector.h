// 16 sums of products of codes in one register, and what code_epilogue.h does with them. avx2/code_vector.h
// has the same interface.
#pragma once

#include "cpu/avx512/vector.h"

namespace lathe::avx512 {
namespace {

[[gnu::always_inline]] inline Vector nearest(Vector x) {
  return {_mm512_roundscale_ps(x.lanes, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}

/// i8 or u8; lanes from `count` on are 0.
[[gnu::always_inline]] inline Vector load_codes(Vector, const std::uint8_t* source, bool is_signed,
                                                std::int64_t count) {
  const __m128i codes = _mm_maskz_loadu_epi8(first_lanes(count), source);
  return {_mm512_cvtepi32_ps(is_signed ? _mm512_cvtepi8_epi32(codes) : _mm512_cvtepu8_epi32(codes))};
}

/// Whole numbers that the type of the codes holds.
[[gnu::always_inline]] inline void store_codes(std::uint8_t* target, Vector whole, std::int64_t count) {
  const __m128i codes = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(whole.lanes));
  if (count >= 16)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(target), codes);
  else
    _mm_mask_storeu_epi8(target, first_lanes(count), codes);
}

}  // namespace
}  // namespace lathe::avx512
