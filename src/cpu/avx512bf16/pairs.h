// 16 pairs of bf16 in one register and their products, over the vectors of avx512/vector.h: what the kernels
// of cpu/vector that multiply pairs are written over. avx2/pairs.h has the same interface; each function
// gives the same bits in both, given that denormal numbers are flushed (vector/flush_denormals.h).
#pragma once

#include "cpu/avx512/vector.h"

namespace lathe::avx512 {
namespace {

/// The whole number that is not less.
[[gnu::always_inline]] inline Vector round_up(Vector x) {
  return {_mm512_roundscale_ps(x.lanes, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)};
}

/// Lane r is the greatest lane of rows[r]; no lane may be NaN. Of lanes behind the last row nothing is said.
template <int kRows>
[[gnu::always_inline]] inline Vector greatest_of_each(const Vector (&rows)[kRows]) {
  static_assert(kRows <= 8);
  const auto row = [&](int r) { return rows[r < kRows ? r : 0].lanes; };
  const auto halves = [&](int r) {  // two rows, in two quarters each
    return _mm512_max_ps(_mm512_shuffle_f32x4(row(r), row(r + 1), 0x44),
                         _mm512_shuffle_f32x4(row(r), row(r + 1), 0xee));
  };
  const auto quarters = [&](int r) {  // four rows, in a quarter each
    const __m512 a = halves(r);
    const __m512 b = halves(r + 2);
    return _mm512_max_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
  };
  const __m512 a = quarters(0);
  const __m512 b = kRows > 4 ? quarters(4) : a;
  const __m512 two = _mm512_max_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));  // a b a b
  const __m512 one = _mm512_max_ps(two, _mm512_permute_ps(two, 0x4e));
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 0, 0, 0, 0, 0, 0, 0, 0);
  return {_mm512_permutexvar_ps(order, one)};
}

[[gnu::always_inline]] inline Vector repeat_lane(Vector x, int lane) {
  return {_mm512_permutexvar_ps(_mm512_set1_epi32(lane), x.lanes)};
}

/// 2^x for x <= 0, 0 for x < -127. The results of portable/pair_arithmetic.h by fewer instructions.
[[gnu::always_inline]] inline Vector power_of_two(Vector x) {
  const __m512 n = _mm512_roundscale_ps(x.lanes, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 f =
      _mm512_reduce_ps(x.lanes, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);  // of infinity: 0
  __m512 p = _mm512_set1_ps(0x1.c2a218p-5f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0x1.f00c4cp-3f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0x1.62f5fap-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
  return {_mm512_scalef_ps(p, n)};
}

}  // namespace
}  // namespace lathe::avx512

namespace lathe::avx512bf16 {
namespace {

using avx512::Vector;

struct Pairs {
  __m512i words;  // a pair each, its even element in the low half

  using Floats = Vector;
};

[[gnu::always_inline]] inline Pairs load(Pairs, const std::uint16_t* source) {
  return {_mm512_loadu_si512(source)};
}
/// Pairs from `count` on are zero.
[[gnu::always_inline]] inline Pairs load_first(Pairs, const std::uint16_t* source, std::int64_t count) {
  return {_mm512_maskz_loadu_epi32(avx512::first_lanes(count), source)};
}
/// 16 single elements, each the even one of a pair whose odd one is zero.
[[gnu::always_inline]] inline Pairs load_evens(Pairs, const std::uint16_t* source) {
  return {_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(source)))};
}
/// One pair in all places.
[[gnu::always_inline]] inline Pairs repeat(Pairs, const std::uint16_t* pair) {
  return {_mm512_set1_epi32(*reinterpret_cast<const std::int32_t*>(pair))};
}
[[gnu::always_inline]] inline Pairs repeat_word(Pairs, std::uint32_t pair) {
  return {_mm512_set1_epi32(static_cast<int>(pair))};
}
[[gnu::always_inline]] inline Pairs keep_bits(Pairs x, std::uint32_t mask) {
  return {_mm512_and_si512(x.words, _mm512_set1_epi32(static_cast<int>(mask)))};
}

/// sum + a[1] * b[1], then + a[0] * b[0], rounded after each.
[[gnu::always_inline]] inline Vector dot(Vector sum, Pairs a, Pairs b) {
  return {
      _mm512_dpbf16_ps(sum.lanes, reinterpret_cast<__m512bh>(a.words), reinterpret_cast<__m512bh>(b.words))};
}

/// 32 elements, rounded to nearest even.
[[gnu::always_inline]] inline Pairs rounded(Pairs, Vector low, Vector high) {
  return {reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high.lanes, low.lanes))};
}
/// The same of pairs' even and odd elements.
[[gnu::always_inline]] inline Pairs rounded_pairs(Pairs, Vector even, Vector odd) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7,
                                         22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return {_mm512_permutexvar_epi16(order, rounded(Pairs{}, even, odd).words)};
}
[[gnu::always_inline]] inline void store(std::uint16_t* target, Pairs x) {
  _mm512_storeu_si512(target, x.words);
}

}  // namespace
}  // namespace lathe::avx512bf16
