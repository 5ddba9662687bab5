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

/// 16 sums.
struct Integers {
  __m512i lanes;
};

[[gnu::always_inline]] inline Integers load_sums(Vector, const std::int32_t* sums) {
  return {_mm512_load_si512(sums)};
}
/// Lanes from `count` on are 0.
[[gnu::always_inline]] inline Integers load_first_sums(Vector, const std::int32_t* sums, std::int64_t count) {
  return {_mm512_maskz_loadu_epi32(first_lanes(count), sums)};
}
[[gnu::always_inline]] inline Integers broadcast_sum(Vector, std::int32_t sum) {
  return {_mm512_set1_epi32(sum)};
}
[[gnu::always_inline]] inline Integers added(Integers a, Integers b) {
  return {_mm512_add_epi32(a.lanes, b.lanes)};
}
[[gnu::always_inline]] inline Vector real(Integers sums) { return {_mm512_cvtepi32_ps(sums.lanes)}; }

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

/// sums * factors + zero in float64, held between zero + least and zero + most, rounded to nearest even.
[[gnu::always_inline]] inline void store_scaled_codes(std::uint8_t* target, Integers sums, Vector factors,
                                                      std::int32_t zero, float least, float most,
                                                      std::int64_t count) {
  const __m512d zeros = _mm512_set1_pd(zero);
  const __m512d low = _mm512_add_pd(_mm512_set1_pd(static_cast<double>(least)), zeros);
  const __m512d high = _mm512_add_pd(_mm512_set1_pd(static_cast<double>(most)), zeros);
  const auto whole = [&](__m256i eight, __m256 factor) {
    const __m512d product = _mm512_mul_pd(_mm512_cvtepi32_pd(eight), _mm512_cvtps_pd(factor));
    // low where it is a NaN
    return _mm512_cvtpd_epi32(_mm512_min_pd(_mm512_max_pd(_mm512_add_pd(product, zeros), low), high));
  };
  const __m256i first = whole(_mm512_castsi512_si256(sums.lanes), _mm512_castps512_ps256(factors.lanes));
  const __m256i second =
      whole(_mm512_extracti64x4_epi64(sums.lanes, 1), _mm512_extractf32x8_ps(factors.lanes, 1));
  const __m512i codes = _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
  _mm_mask_storeu_epi8(target, first_lanes(count), _mm512_cvtepi32_epi8(codes));
}

}  // namespace
}  // namespace lathe::avx512
