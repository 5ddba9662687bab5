// float32 to bf16: to nearest even, denormal numbers to zero, NaN quiet; what VCVTNEPS2BF16 does.
// avx2/bfloat.h has the same functions.
#pragma once

#include "cpu/avx512/vector.h"

namespace lathe::avx512 {
namespace {

/// The element of each lane in the low half of its word.
[[gnu::always_inline]] inline __m512i rounded_words(__m512 x) {
  const __m512i bits = _mm512_castps_si512(x);
  const __m512i upper = _mm512_srli_epi32(bits, 16);
  const __m512i magnitude = _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff));
  const __m512i odd = _mm512_and_si512(upper, _mm512_set1_epi32(1));
  const __m512i near =
      _mm512_srli_epi32(_mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), 16);
  const __mmask16 is_nan = _mm512_cmpgt_epi32_mask(magnitude, _mm512_set1_epi32(0x7f800000));
  const __mmask16 is_tiny = _mm512_cmplt_epi32_mask(magnitude, _mm512_set1_epi32(0x00800000));
  const __m512i number = _mm512_mask_or_epi32(near, is_nan, upper, _mm512_set1_epi32(0x40));
  return _mm512_mask_and_epi32(number, is_tiny, upper, _mm512_set1_epi32(0x8000));
}

/// 16 elements side by side.
[[gnu::always_inline]] inline void store_rounded(std::uint16_t* target, Vector x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(target), _mm512_cvtepi32_epi16(rounded_words(x.lanes)));
}

/// `count` pairs: one element of `even`, one of `odd`.
[[gnu::always_inline]] inline void store_rounded_pairs(std::uint16_t* target, Vector even, Vector odd,
                                                       std::int64_t count) {
  const __m512i words =
      _mm512_or_si512(rounded_words(even.lanes), _mm512_slli_epi32(rounded_words(odd.lanes), 16));
  _mm512_mask_storeu_epi32(target, first_lanes(count), words);
}

/// Every other element of `target`, `count` of them; those between stay as they are.
[[gnu::always_inline]] inline void store_rounded_apart(std::uint16_t* target, Vector x, std::int64_t count) {
  const __mmask32 evens = 0x55555555u & static_cast<__mmask32>((std::uint64_t{1} << 2 * count) - 1);
  _mm512_mask_storeu_epi16(target, evens, rounded_words(x.lanes));
}

}  // namespace
}  // namespace lathe::avx512
