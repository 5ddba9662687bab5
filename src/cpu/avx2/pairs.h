// 16 pairs of bf16 in two registers and their products: what the kernels of cpu/vector that multiply pairs
// are written over. avx512bf16/pairs.h has the same interface; each function gives the same bits in both,
// given that denormal numbers are flushed (vector/flush_denormals.h).
#pragma once

#include "cpu/avx2/bfloat.h"

namespace lathe::avx2 {
namespace {

struct Pairs {
  __m256i low = _mm256_setzero_si256();  // a pair each, its even element in the low half
  __m256i high = _mm256_setzero_si256();

  using Floats = Vector;
};

[[gnu::always_inline]] inline Pairs load(Pairs, const std::uint16_t* source) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(source)),
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(source + 16))};
}
/// Pairs from `count` on are zero.
[[gnu::always_inline]] inline Pairs load_first(Pairs, const std::uint16_t* source, std::int64_t count) {
  const auto* words = reinterpret_cast<const int*>(source);
  return {_mm256_maskload_epi32(words, lanes_below(count, 0)),
          _mm256_maskload_epi32(words + 8, lanes_below(count, 8))};
}
/// 16 single elements, each the even one of a pair whose odd one is zero.
[[gnu::always_inline]] inline Pairs load_evens(Pairs, const std::uint16_t* source) {
  return {_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(source))),
          _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(source + 8)))};
}
/// One pair in all places.
[[gnu::always_inline]] inline Pairs repeat(Pairs, const std::uint16_t* pair) {
  const __m256i word = _mm256_set1_epi32(*reinterpret_cast<const std::int32_t*>(pair));
  return {word, word};
}
[[gnu::always_inline]] inline Pairs repeat_word(Pairs, std::uint32_t pair) {
  const __m256i word = _mm256_set1_epi32(static_cast<int>(pair));
  return {word, word};
}
[[gnu::always_inline]] inline Pairs keep_bits(Pairs x, std::uint32_t mask) {
  const __m256i bits = _mm256_set1_epi32(static_cast<int>(mask));
  return {_mm256_and_si256(x.low, bits), _mm256_and_si256(x.high, bits)};
}

[[gnu::always_inline]] inline __m256 even_floats(__m256i words) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(words, 16));
}
[[gnu::always_inline]] inline __m256 odd_floats(__m256i words) {
  return _mm256_castsi256_ps(_mm256_and_si256(words, _mm256_set1_epi32(static_cast<int>(0xffff0000u))));
}

/// sum + a[1] * b[1], then + a[0] * b[0], rounded after each.
[[gnu::always_inline]] inline Vector dot(Vector sum, Pairs a, Pairs b) {
  sum.low = _mm256_fmadd_ps(odd_floats(a.low), odd_floats(b.low), sum.low);
  sum.high = _mm256_fmadd_ps(odd_floats(a.high), odd_floats(b.high), sum.high);
  sum.low = _mm256_fmadd_ps(even_floats(a.low), even_floats(b.low), sum.low);
  sum.high = _mm256_fmadd_ps(even_floats(a.high), even_floats(b.high), sum.high);
  return sum;
}

/// 32 elements, rounded to nearest even.
[[gnu::always_inline]] inline Pairs rounded(Pairs, Vector low, Vector high) {
  const auto pack = [](__m256 a, __m256 b) {
    return _mm256_permute4x64_epi64(_mm256_packus_epi32(rounded_words(a), rounded_words(b)), 0xd8);
  };
  return {pack(low.low, low.high), pack(high.low, high.high)};
}
/// The same of pairs' even and odd elements.
[[gnu::always_inline]] inline Pairs rounded_pairs(Pairs, Vector even, Vector odd) {
  const auto half = [](__m256 a, __m256 b) {
    return _mm256_or_si256(rounded_words(a), _mm256_slli_epi32(rounded_words(b), 16));
  };
  return {half(even.low, odd.low), half(even.high, odd.high)};
}
[[gnu::always_inline]] inline void store(std::uint16_t* target, Pairs x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(target), x.low);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(target + 16), x.high);
}

/// The whole number that is not less.
[[gnu::always_inline]] inline Vector round_up(Vector x) {
  return {_mm256_ceil_ps(x.low), _mm256_ceil_ps(x.high)};
}

/// Lane r is the greatest lane of rows[r]; no lane may be NaN. Of lanes behind the last row nothing is said.
template <int kRows>
[[gnu::always_inline]] inline Vector greatest_of_each(const Vector (&rows)[kRows]) {
  static_assert(kRows <= 8);
  alignas(32) float found[8] = {};
  for (int r = 0; r < kRows; ++r) found[r] = greatest(rows[r]);
  return {_mm256_load_ps(found), _mm256_setzero_ps()};
}

/// `lane` is one of the first 8.
[[gnu::always_inline]] inline Vector repeat_lane(Vector x, int lane) {
  const __m256 repeated = _mm256_permutevar8x32_ps(x.low, _mm256_set1_epi32(lane));
  return {repeated, repeated};
}

/// 2^x for x <= 0, 0 for x < -127. portable/pair_arithmetic.h, the same operations.
[[gnu::always_inline]] inline __m256 power_of_two(__m256 x) {
  const __m256 bounded = _mm256_max_ps(_mm256_set1_ps(-127.0f), x);
  const __m256 round = _mm256_set1_ps(0x1.8p23f);
  const __m256 shifted = _mm256_add_ps(bounded, round);
  const __m256 f = _mm256_sub_ps(bounded, _mm256_sub_ps(shifted, round));
  __m256 p = _mm256_set1_ps(0x1.c2a218p-5f);
  p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0x1.f00c4cp-3f));
  p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0x1.62f5fap-1f));
  p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(1.0f));
  const __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), exponent));
}
[[gnu::always_inline]] inline Vector power_of_two(Vector x) {
  return {power_of_two(x.low), power_of_two(x.high)};
}

}  // namespace
}  // namespace lathe::avx2
