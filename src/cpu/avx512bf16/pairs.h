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

/// 2^x for x <= 0, 0 for x < -127. portable/pair_arithmetic.h, the same operations.
[[gnu::always_inline]] inline Vector power_of_two(Vector x) {
  const __m512 bounded = _mm512_max_ps(_mm512_set1_ps(-127.0f), x.lanes);
  const __m512 round = _mm512_set1_ps(0x1.8p23f);
  const __m512 shifted = _mm512_add_ps(bounded, round);
  const __m512 f = _mm512_sub_ps(bounded, _mm512_sub_ps(shifted, round));
  __m512 p = _mm512_set1_ps(0x1.c2a218p-5f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0x1.f00c4cp-3f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0x1.62f5fap-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
  const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
  return {_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), exponent))};
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
[[gnu::always_inline]] inline void store(std::uint16_t* target, Pairs x) {
  _mm512_storeu_si512(target, x.words);
}

}  // namespace
}  // namespace lathe::avx512bf16
