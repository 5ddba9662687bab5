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
[[gnu::always_inline]] inline Integers load_sums(Vector, const std::int32_t* sums) {
  return {_mm256_load_si256(reinterpret_cast<const __m256i*>(sums)),
          _mm256_load_si256(reinterpret_cast<const __m256i*>(sums + 8))};
}
/// Lanes from `count` on are 0.
[[gnu::always_inline]] inline Integers load_first_sums(Vector, const std::int32_t* sums, std::int64_t count) {
  alignas(32) std::int32_t copy[16] = {};
  for (std::int64_t i = 0; i < count; ++i) copy[i] = sums[i];
  return load_sums(Vector{}, copy);
}
[[gnu::always_inline]] inline Integers broadcast_sum(Vector, std::int32_t sum) {
  return {_mm256_set1_epi32(sum), _mm256_set1_epi32(sum)};
}
[[gnu::always_inline]] inline Integers added(const Integers& a, const Integers& b) {
  return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
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

/// The lowest byte of each.
[[gnu::always_inline]] inline void store_low_bytes(std::uint8_t* target, const Integers& x,
                                                   std::int64_t count) {
  const auto byte = [](__m256i half) { return _mm256_and_si256(half, _mm256_set1_epi32(0xff)); };
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

/// x rounded to nearest even, `zero` more; the type of the codes holds it.
[[gnu::always_inline]] inline void store_codes(std::uint8_t* target, Vector x, std::int32_t zero,
                                               std::int64_t count) {
  const auto whole = [zero](__m256 half) {
    return _mm256_add_epi32(_mm256_cvtps_epi32(half), _mm256_set1_epi32(zero));
  };
  store_low_bytes(target, {whole(x.low), whole(x.high)}, count);
}

/// sums * factors + zero in float64, held between zero + least and zero + most, rounded to nearest even.
[[gnu::always_inline]] inline void store_scaled_codes(std::uint8_t* target, const Integers& sums,
                                                      Vector factors, std::int32_t zero, float least,
                                                      float most, std::int64_t count) {
  const __m256d zeros = _mm256_set1_pd(zero);
  const __m256d low = _mm256_add_pd(_mm256_set1_pd(static_cast<double>(least)), zeros);
  const __m256d high = _mm256_add_pd(_mm256_set1_pd(static_cast<double>(most)), zeros);
  const auto four = [&](__m128i whole, __m128 factor) {
    const __m256d product = _mm256_mul_pd(_mm256_cvtepi32_pd(whole), _mm256_cvtps_pd(factor));
    // low where it is a NaN
    return _mm256_cvtpd_epi32(_mm256_min_pd(_mm256_max_pd(_mm256_add_pd(product, zeros), low), high));
  };
  const auto eight = [&](__m256i whole, __m256 factor) {
    return _mm256_set_m128i(four(_mm256_extracti128_si256(whole, 1), _mm256_extractf128_ps(factor, 1)),
                            four(_mm256_castsi256_si128(whole), _mm256_castps256_ps128(factor)));
  };
  store_low_bytes(target, {eight(sums.low, factors.low), eight(sums.high, factors.high)}, count);
}

}  // namespace
}  // namespace lathe::avx2
