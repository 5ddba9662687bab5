// float32 to bf16: to nearest even, denormal numbers to zero, NaN quiet; what VCVTNEPS2BF16 does.
// avx512/bfloat.h has the same functions.
#pragma once

#include "cpu/avx2/vector.h"

namespace lathe::avx2 {
namespace {

/// The element of each lane in the low half of its word.
[[gnu::always_inline]] inline __m256i rounded_words(__m256 x) {
  const __m256i bits = _mm256_castps_si256(x);
  const __m256i upper = _mm256_srli_epi32(bits, 16);
  const __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff));
  const __m256i odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
  const __m256i near =
      _mm256_srli_epi32(_mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
  const __m256i is_nan = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x7f800000));
  const __m256i is_tiny = _mm256_cmpgt_epi32(_mm256_set1_epi32(0x00800000), magnitude);
  const __m256i number = _mm256_blendv_epi8(near, _mm256_or_si256(upper, _mm256_set1_epi32(0x40)), is_nan);
  return _mm256_blendv_epi8(number, _mm256_and_si256(upper, _mm256_set1_epi32(0x8000)), is_tiny);
}

/// 16 elements side by side.
[[gnu::always_inline]] inline void store_rounded(std::uint16_t* target, Vector x) {
  const __m256i packed = _mm256_packus_epi32(rounded_words(x.low), rounded_words(x.high));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(target), _mm256_permute4x64_epi64(packed, 0xd8));
}

/// `count` pairs: one element of `even`, one of `odd`.
[[gnu::always_inline]] inline void store_rounded_pairs(std::uint16_t* target, Vector even, Vector odd,
                                                       std::int64_t count) {
  const auto pairs = [](__m256 a, __m256 b) {
    return _mm256_or_si256(rounded_words(a), _mm256_slli_epi32(rounded_words(b), 16));
  };
  auto* words = reinterpret_cast<int*>(target);
  _mm256_maskstore_epi32(words, lanes_below(count, 0), pairs(even.low, odd.low));
  _mm256_maskstore_epi32(words + 8, lanes_below(count, 8), pairs(even.high, odd.high));
}

/// Every other element of `target`, `count` of them; those between stay as they are.
[[gnu::always_inline]] inline void store_rounded_apart(std::uint16_t* target, Vector x, std::int64_t count) {
  std::uint16_t elements[16];
  store_rounded(elements, x);
  for (std::int64_t i = 0; i < count; ++i) target[2 * i] = elements[i];
}

}  // namespace
}  // namespace lathe::avx2
