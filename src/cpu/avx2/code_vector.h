// 16 sums of products of codes in two registers, and what code_epilogue.h does with them.
// avx512/code_vector.h has the same interface.
#pragma once

#include "cpu/avx2/vector.h"

namespace lathe::avx2 {
namespace {

/// 16 sums.
struct Integers {
  __m256i low;
  __m256i high;
};

[[gnu::always_inline]] inline Vector real(const Integers& sums) {
  return {_mm256_cvtepi32_ps(sums.low), _mm256_cvtepi32_ps(sums.high)};
}

/// Bytes from `count` on are 0.
[[gnu::always_inline]] inline __m128i load_bytes(const void* source, std::int64_t count) {
  if (count >= 16) return _mm_loadu_si128(static_cast<const __m128i*>(source));
  alignas(16) std::uint8_t copy[16] = {};
  for (std::int64_t i = 0; i < count; ++i) copy[i] = static_cast<const std::uint8_t*>(source)[i];
  return _mm_load_si128(reinterpret_cast<const __m128i*>(copy));
}

/// i8 or u8; lanes from `count` on are 0.
[[gnu::always_inline]] inline Vector load_codes(Vector, const std::uint8_t* source, bool is_signed,
                                                std::int64_t count) {
  const __m128i low = load_bytes(source, count);
  const __m128i high = _mm_srli_si128(low, 8);
  return is_signed ? real({_mm256_cvtepi8_epi32(low), _mm256_cvtepi8_epi32(high)})
                   : real({_mm256_cvtepu8_epi32(low), _mm256_cvtepu8_epi32(high)});
}

/// x rounded to nearest even, `zero` more; the type of the codes holds it.
[[gnu::always_inline]] inline void store_codes(std::uint8_t* target, Vector x, std::int32_t zero,
                                               std::int64_t count) {
  const auto byte = [zero](__m256 half) {
    const __m256i whole = _mm256_add_epi32(_mm256_cvtps_epi32(half), _mm256_set1_epi32(zero));
    return _mm256_and_si256(whole, _mm256_set1_epi32(0xff));
  };
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packus_epi32(byte(x.low), byte(x.high)), 0xd8);
  const __m128i codes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  if (count >= 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(target), codes);
    return;
  }
  alignas(16) std::uint8_t copy[16];
  _mm_store_si128(reinterpret_cast<__m128i*>(copy), codes);
  for (std::int64_t i = 0; i < count; ++i) target[i] = copy[i];
}

}  // namespace
}  // namespace lathe::avx2
