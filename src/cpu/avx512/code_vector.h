// 16 sums of products of codes in one register, and what code_epilogue.h does with them. avx2/code_vector.h
// has the same interface.
#pragma once

#include "cpu/avx512/vector.h"

namespace lathe::avx512 {
namespace {

/// The lowest `count` bytes; none where it is negative.
[[gnu::always_inline]] inline __mmask64 first_bytes(std::int64_t count) {
  if (count >= 64) return ~__mmask64{0};
  return count <= 0 ? 0 : (__mmask64{1} << count) - 1;
}

/// i8 or u8; lanes from `count` on are 0.
[[gnu::always_inline]] inline Vector load_codes(Vector, const std::uint8_t* source, bool is_signed,
                                                std::int64_t count) {
  const __m128i codes = _mm_maskz_loadu_epi8(first_lanes(count), source);
  return {_mm512_cvtepi32_ps(is_signed ? _mm512_cvtepi8_epi32(codes) : _mm512_cvtepu8_epi32(codes))};
}

/// x rounded to nearest even, `zero` more; the type of the codes holds it.
[[gnu::always_inline]] inline void store_codes(std::uint8_t* target, Vector x, std::int32_t zero,
                                               std::int64_t count) {
  const __m512i whole = _mm512_add_epi32(_mm512_cvtps_epi32(x.lanes), _mm512_set1_epi32(zero));
  const __m128i codes = _mm512_cvtepi32_epi8(whole);
  if (count >= 16)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(target), codes);
  else
    _mm_mask_storeu_epi8(target, first_lanes(count), codes);
}

}  // namespace
}  // namespace lathe::avx512
