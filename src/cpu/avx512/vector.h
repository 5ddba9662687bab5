// 16 float lanes in one register: what the kernels of cpu/vector are written over. Everything has internal
// linkage. avx2/vector.h has the same interface in two registers; each function gives the same bits in both.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace lathe::avx512 {
namespace {

struct Vector {
  __m512 lanes;

  static constexpr int kTileVectors = 4;  // a register tile of 6 rows is so wide
};

/// The lowest `count` lanes, 0 to 16.
[[gnu::always_inline]] inline __mmask16 first_lanes(std::int64_t count) {
  return static_cast<__mmask16>((1u << count) - 1u);
}

[[gnu::always_inline]] inline Vector broadcast(Vector, float x) { return {_mm512_set1_ps(x)}; }
[[gnu::always_inline]] inline Vector load(Vector, const float* source) { return {_mm512_loadu_ps(source)}; }
[[gnu::always_inline]] inline Vector load(Vector, const std::uint16_t* halves) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves)))};
}
/// Lanes from `count` on are `rest`.
[[gnu::always_inline]] inline Vector load_first(Vector rest, const float* source, std::int64_t count) {
  return {_mm512_mask_loadu_ps(rest.lanes, first_lanes(count), source)};
}
[[gnu::always_inline]] inline Vector load_first(Vector rest, const std::uint16_t* halves,
                                                std::int64_t count) {
  const __m512 loaded = _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_lanes(count), halves));
  return {_mm512_mask_mov_ps(rest.lanes, first_lanes(count), loaded)};
}
[[gnu::always_inline]] inline void store(float* target, Vector x) { _mm512_storeu_ps(target, x.lanes); }
[[gnu::always_inline]] inline void store_first(float* target, Vector x, std::int64_t count) {
  _mm512_mask_storeu_ps(target, first_lanes(count), x.lanes);
}
/// Rounded to nearest even.
[[gnu::always_inline]] inline void store(std::uint16_t* target, Vector x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(target),
                      _mm512_cvtps_ph(x.lanes, _MM_FROUND_TO_NEAREST_INT));
}
[[gnu::always_inline]] inline void store_first(std::uint16_t* target, Vector x, std::int64_t count) {
  _mm256_mask_storeu_epi16(target, first_lanes(count), _mm512_cvtps_ph(x.lanes, _MM_FROUND_TO_NEAREST_INT));
}

[[gnu::always_inline]] inline Vector operator+(Vector a, Vector b) {
  return {_mm512_add_ps(a.lanes, b.lanes)};
}
[[gnu::always_inline]] inline Vector operator-(Vector a, Vector b) {
  return {_mm512_sub_ps(a.lanes, b.lanes)};
}
[[gnu::always_inline]] inline Vector operator*(Vector a, Vector b) {
  return {_mm512_mul_ps(a.lanes, b.lanes)};
}
[[gnu::always_inline]] inline Vector operator/(Vector a, Vector b) {
  return {_mm512_div_ps(a.lanes, b.lanes)};
}
[[gnu::always_inline]] inline Vector fma(Vector a, Vector b, Vector c) {
  return {_mm512_fmadd_ps(a.lanes, b.lanes, c.lanes)};
}
/// a where it is greater, else b; so a NaN in a is passed over.
[[gnu::always_inline]] inline Vector greater(Vector a, Vector b) { return {_mm512_max_ps(a.lanes, b.lanes)}; }
/// a where it is less, else b.
[[gnu::always_inline]] inline Vector lesser(Vector a, Vector b) { return {_mm512_min_ps(a.lanes, b.lanes)}; }
[[gnu::always_inline]] inline Vector operator-(Vector x) {
  return {_mm512_xor_ps(x.lanes, _mm512_set1_ps(-0.0f))};
}
/// The magnitudes of x, the signs of `sign`.
[[gnu::always_inline]] inline Vector with_sign(Vector x, Vector sign) {
  const __m512 bit = _mm512_set1_ps(-0.0f);
  return {_mm512_or_ps(_mm512_andnot_ps(bit, x.lanes), _mm512_and_ps(bit, sign.lanes))};
}
/// x where a < b, else y.
[[gnu::always_inline]] inline Vector where_less(Vector a, Vector b, Vector x, Vector y) {
  return {_mm512_mask_mov_ps(y.lanes, _mm512_cmp_ps_mask(a.lanes, b.lanes, _CMP_LT_OQ), x.lanes)};
}

/// Lane i is lane i ^ kDistance of x.
template <int kDistance>
[[gnu::always_inline]] inline Vector swap_lanes(Vector x) {
  if constexpr (kDistance < 4)
    return {_mm512_permute_ps(x.lanes, kDistance == 1 ? 0xb1 : 0x4e)};
  else
    return {_mm512_shuffle_f32x4(x.lanes, x.lanes, kDistance == 4 ? 0xb1 : 0x4e)};
}

/// Each lane the one of `table` that the low 4 bits of `index` name.
[[gnu::always_inline]] inline Vector lookup(Vector table, Vector index) {
  return {_mm512_permutexvar_ps(_mm512_castps_si512(index.lanes), table.lanes)};
}

/// Lanes [begin, end) of x, the others of `rest`.
[[gnu::always_inline]] inline Vector select(std::int64_t begin, std::int64_t end, Vector x, Vector rest) {
  const auto mask = static_cast<__mmask16>(first_lanes(end) & ~first_lanes(begin));
  return {_mm512_mask_mov_ps(rest.lanes, mask, x.lanes)};
}

/// One bit per lane.
[[gnu::always_inline]] inline std::uint32_t lanes_equal(Vector a, Vector b) {
  return _mm512_cmp_ps_mask(a.lanes, b.lanes, _CMP_EQ_OQ);
}
[[gnu::always_inline]] inline std::uint32_t lanes_greater(Vector a, Vector b) {
  return _mm512_cmp_ps_mask(a.lanes, b.lanes, _CMP_GT_OQ);
}

/// Sum in a tree: lane i with i + 8, then + 4, + 2, + 1.
[[gnu::always_inline]] inline float tree_sum(Vector x) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x.lanes), _mm512_extractf32x8_ps(x.lanes, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/// The greatest lane; no lane may be NaN.
[[gnu::always_inline]] inline float greatest(Vector x) { return _mm512_reduce_max_ps(x.lanes); }

/// portable/exp_f32.h, the same operations.
[[gnu::always_inline]] inline Vector exp(Vector x) {
  const __m512 round = _mm512_set1_ps(0x1.8p23f);
  const __m512 shifted = _mm512_fmadd_ps(x.lanes, _mm512_set1_ps(0x1.715476p+0f), round);
  const __m512 n = _mm512_sub_ps(shifted, round);
  __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-0x1.62e430p-1f), x.lanes);
  r = _mm512_fmadd_ps(n, _mm512_set1_ps(0x1.05c610p-29f), r);
  __m512 p = _mm512_set1_ps(0x1.6a241ap-10f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.1239f2p-7f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.5558f2p-5f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.555492p-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.fffffcp-2f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
  const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
  const __m512 scaled = _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), exponent));
  const __mmask16 too_high = _mm512_cmp_ps_mask(x.lanes, _mm512_set1_ps(88.72283f), _CMP_GT_OQ);
  const __mmask16 not_too_low = _mm512_cmp_ps_mask(x.lanes, _mm512_set1_ps(-87.33654f), _CMP_NLT_UQ);
  const __m512 bounded = _mm512_mask_mov_ps(scaled, too_high, _mm512_set1_ps(__builtin_inff()));
  return {_mm512_maskz_mov_ps(not_too_low, bounded)};
}

[[gnu::always_inline]] inline float square_root(Vector, float x) {
  return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x)));
}

/// Eight pairs a0 b0 a1 b1 ...
[[gnu::always_inline]] inline Vector interleave(Vector, const float* a, const float* b) {
  const __m512i order = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  return {_mm512_permutex2var_ps(_mm512_castps256_ps512(_mm256_loadu_ps(a)), order,
                                 _mm512_castps256_ps512(_mm256_loadu_ps(b)))};
}
[[gnu::always_inline]] inline Vector negate_even(Vector x) {
  return {_mm512_castsi512_ps(
      _mm512_xor_si512(_mm512_castps_si512(x.lanes), _mm512_set1_epi64(std::int64_t{0x80000000})))};
}
[[gnu::always_inline]] inline Vector repeat_even(Vector x) { return {_mm512_moveldup_ps(x.lanes)}; }
[[gnu::always_inline]] inline Vector repeat_odd(Vector x) { return {_mm512_movehdup_ps(x.lanes)}; }

/// 16 double lanes that floats are added to.
struct DoubleSum {
  __m512d low = _mm512_setzero_pd();
  __m512d high = _mm512_setzero_pd();

  [[gnu::always_inline]] void add(Vector x) {
    low = _mm512_add_pd(low, _mm512_cvtps_pd(_mm512_castps512_ps256(x.lanes)));
    high = _mm512_add_pd(high, _mm512_cvtps_pd(_mm512_extractf32x8_ps(x.lanes, 1)));
  }
  /// The tree of tree_sum().
  double sum() const {
    const __m512d eight = _mm512_add_pd(low, high);
    const __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(eight), _mm512_extractf64x4_pd(eight, 1));
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
  }
};

inline DoubleSum double_sum(Vector) { return {}; }

}  // namespace
}  // namespace lathe::avx512
