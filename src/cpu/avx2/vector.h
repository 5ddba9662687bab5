// 16 float lanes in two registers: what the kernels of cpu/vector are written over. Everything has internal
// linkage. avx512/vector.h has the same interface in one register; each function gives the same bits in both.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace lathe::avx2 {
namespace {

struct Vector {
  __m256 low = _mm256_setzero_ps();
  __m256 high = _mm256_setzero_ps();

  static constexpr int kTileVectors = 1;  // a register tile of 6 rows is so wide
};

/// All bits set in the lanes of the low (first = 0) or high (first = 8) half that are below `count`.
[[gnu::always_inline]] inline __m256i lanes_below(std::int64_t count, int first) {
  const __m256i index =
      _mm256_setr_epi32(first, first + 1, first + 2, first + 3, first + 4, first + 5, first + 6, first + 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), index);
}

[[gnu::always_inline]] inline Vector broadcast(Vector, float x) {
  return {_mm256_set1_ps(x), _mm256_set1_ps(x)};
}
[[gnu::always_inline]] inline Vector load(Vector, const float* source) {
  return {_mm256_loadu_ps(source), _mm256_loadu_ps(source + 8)};
}
[[gnu::always_inline]] inline Vector load(Vector, const std::uint16_t* halves) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves))),
          _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves + 8)))};
}
/// Lanes [begin, end) of x, the others of `rest`.
[[gnu::always_inline]] inline Vector select(std::int64_t begin, std::int64_t end, Vector x, Vector rest) {
  const auto mask = [begin, end](int first) {
    return _mm256_castsi256_ps(_mm256_andnot_si256(lanes_below(begin, first), lanes_below(end, first)));
  };
  return {_mm256_blendv_ps(rest.low, x.low, mask(0)), _mm256_blendv_ps(rest.high, x.high, mask(8))};
}
/// Lanes from `count` on are `rest`.
[[gnu::always_inline]] inline Vector load_first(Vector rest, const float* source, std::int64_t count) {
  const Vector loaded = {_mm256_maskload_ps(source, lanes_below(count, 0)),
                         _mm256_maskload_ps(source + 8, lanes_below(count, 8))};
  return select(0, count, loaded, rest);
}
[[gnu::always_inline]] inline Vector load_first(Vector rest, const std::uint16_t* halves,
                                                std::int64_t count) {
  std::uint16_t copy[16] = {};
  for (std::int64_t i = 0; i < count; ++i) copy[i] = halves[i];
  return select(0, count, load(Vector{}, copy), rest);
}
[[gnu::always_inline]] inline void store(float* target, Vector x) {
  _mm256_storeu_ps(target, x.low);
  _mm256_storeu_ps(target + 8, x.high);
}
[[gnu::always_inline]] inline void store_first(float* target, Vector x, std::int64_t count) {
  _mm256_maskstore_ps(target, lanes_below(count, 0), x.low);
  _mm256_maskstore_ps(target + 8, lanes_below(count, 8), x.high);
}
/// Rounded to nearest even.
[[gnu::always_inline]] inline void store(std::uint16_t* target, Vector x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(target), _mm256_cvtps_ph(x.low, _MM_FROUND_TO_NEAREST_INT));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(target + 8),
                   _mm256_cvtps_ph(x.high, _MM_FROUND_TO_NEAREST_INT));
}
[[gnu::always_inline]] inline void store_first(std::uint16_t* target, Vector x, std::int64_t count) {
  std::uint16_t copy[16];
  store(copy, x);
  for (std::int64_t i = 0; i < count; ++i) target[i] = copy[i];
}

[[gnu::always_inline]] inline Vector operator+(Vector a, Vector b) {
  return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}
[[gnu::always_inline]] inline Vector operator-(Vector a, Vector b) {
  return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}
[[gnu::always_inline]] inline Vector operator*(Vector a, Vector b) {
  return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}
[[gnu::always_inline]] inline Vector operator/(Vector a, Vector b) {
  return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
}
[[gnu::always_inline]] inline Vector fma(Vector a, Vector b, Vector c) {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
/// a where it is greater, else b; so a NaN in a is passed over.
[[gnu::always_inline]] inline Vector greater(Vector a, Vector b) {
  return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}
/// a where it is less, else b.
[[gnu::always_inline]] inline Vector lesser(Vector a, Vector b) {
  return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
}
[[gnu::always_inline]] inline Vector operator-(Vector x) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_xor_ps(x.low, sign), _mm256_xor_ps(x.high, sign)};
}
/// The magnitudes of x, the signs of `sign`.
[[gnu::always_inline]] inline Vector with_sign(Vector x, Vector sign) {
  const __m256 bit = _mm256_set1_ps(-0.0f);
  return {_mm256_or_ps(_mm256_andnot_ps(bit, x.low), _mm256_and_ps(bit, sign.low)),
          _mm256_or_ps(_mm256_andnot_ps(bit, x.high), _mm256_and_ps(bit, sign.high))};
}
/// x where a < b, else y.
[[gnu::always_inline]] inline Vector where_less(Vector a, Vector b, Vector x, Vector y) {
  return {_mm256_blendv_ps(y.low, x.low, _mm256_cmp_ps(a.low, b.low, _CMP_LT_OQ)),
          _mm256_blendv_ps(y.high, x.high, _mm256_cmp_ps(a.high, b.high, _CMP_LT_OQ))};
}

/// Lane i is lane i ^ kDistance of x.
template <int kDistance>
[[gnu::always_inline]] inline Vector swap_lanes(Vector x) {
  if constexpr (kDistance == 8) return {x.high, x.low};
  const auto swapped = [](__m256 half) {
    if constexpr (kDistance == 4)
      return _mm256_permute2f128_ps(half, half, 1);
    else
      return _mm256_permute_ps(half, kDistance == 1 ? 0xb1 : 0x4e);
  };
  return {swapped(x.low), swapped(x.high)};
}

/// Each lane the one of `table` that the low 4 bits of `index` name.
[[gnu::always_inline]] inline Vector lookup(Vector table, Vector index) {
  const auto half = [&table](__m256 indices) {
    const __m256i numbers = _mm256_castps_si256(indices);
    return _mm256_blendv_ps(_mm256_permutevar8x32_ps(table.low, numbers),
                            _mm256_permutevar8x32_ps(table.high, numbers),
                            _mm256_castsi256_ps(_mm256_slli_epi32(numbers, 28)));
  };
  return {half(index.low), half(index.high)};
}

/// One bit per lane.
[[gnu::always_inline]] inline std::uint32_t lane_bits(__m256 low, __m256 high) {
  return static_cast<std::uint32_t>(_mm256_movemask_ps(low) | (_mm256_movemask_ps(high) << 8));
}
[[gnu::always_inline]] inline std::uint32_t lanes_equal(Vector a, Vector b) {
  return lane_bits(_mm256_cmp_ps(a.low, b.low, _CMP_EQ_OQ), _mm256_cmp_ps(a.high, b.high, _CMP_EQ_OQ));
}
[[gnu::always_inline]] inline std::uint32_t lanes_greater(Vector a, Vector b) {
  return lane_bits(_mm256_cmp_ps(a.low, b.low, _CMP_GT_OQ), _mm256_cmp_ps(a.high, b.high, _CMP_GT_OQ));
}

/// Sum in a tree: lane i with i + 8, then + 4, + 2, + 1.
[[gnu::always_inline]] inline float tree_sum(Vector x) {
  const __m256 eight = _mm256_add_ps(x.low, x.high);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/// The greatest lane; no lane may be NaN.
[[gnu::always_inline]] inline float greatest(Vector x) {
  const __m256 eight = _mm256_max_ps(x.low, x.high);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

/// portable/exp_f32.h, the same operations.
[[gnu::always_inline]] inline __m256 exp_half(__m256 x) {
  const __m256 round = _mm256_set1_ps(0x1.8p23f);
  const __m256 shifted = _mm256_fmadd_ps(x, _mm256_set1_ps(0x1.715476p+0f), round);
  const __m256 n = _mm256_sub_ps(shifted, round);
  __m256 r = _mm256_fmadd_ps(n, _mm256_set1_ps(-0x1.62e430p-1f), x);
  r = _mm256_fmadd_ps(n, _mm256_set1_ps(0x1.05c610p-29f), r);
  __m256 p = _mm256_set1_ps(0x1.6a241ap-10f);
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.1239f2p-7f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.5558f2p-5f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.555492p-3f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.fffffcp-2f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
  const __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
  const __m256 scaled = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), exponent));
  const __m256 too_high = _mm256_cmp_ps(x, _mm256_set1_ps(88.72283f), _CMP_GT_OQ);
  const __m256 not_too_low = _mm256_cmp_ps(x, _mm256_set1_ps(-87.33654f), _CMP_NLT_UQ);
  return _mm256_and_ps(_mm256_blendv_ps(scaled, _mm256_set1_ps(__builtin_inff()), too_high), not_too_low);
}
[[gnu::always_inline]] inline Vector exp(Vector x) { return {exp_half(x.low), exp_half(x.high)}; }

[[gnu::always_inline]] inline float square_root(Vector, float x) {
  return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x)));
}

/// Eight pairs a0 b0 a1 b1 ...
[[gnu::always_inline]] inline Vector interleave(Vector, const float* a, const float* b) {
  const __m256 first = _mm256_loadu_ps(a);
  const __m256 second = _mm256_loadu_ps(b);
  const __m256 even = _mm256_unpacklo_ps(first, second);  // pairs 0 1 4 5
  const __m256 odd = _mm256_unpackhi_ps(first, second);   // pairs 2 3 6 7
  return {_mm256_permute2f128_ps(even, odd, 0x20), _mm256_permute2f128_ps(even, odd, 0x31)};
}
[[gnu::always_inline]] inline Vector negate_even(Vector x) {
  const __m256 sign = _mm256_castsi256_ps(_mm256_set1_epi64x(std::int64_t{0x80000000}));
  return {_mm256_xor_ps(x.low, sign), _mm256_xor_ps(x.high, sign)};
}
[[gnu::always_inline]] inline Vector repeat_even(Vector x) {
  return {_mm256_moveldup_ps(x.low), _mm256_moveldup_ps(x.high)};
}
[[gnu::always_inline]] inline Vector repeat_odd(Vector x) {
  return {_mm256_movehdup_ps(x.low), _mm256_movehdup_ps(x.high)};
}

/// 16 double lanes that floats are added to.
struct DoubleSum {
  __m256d lanes[4] = {_mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd()};

  [[gnu::always_inline]] void add(Vector x) {
    const __m128 quarters[4] = {_mm256_castps256_ps128(x.low), _mm256_extractf128_ps(x.low, 1),
                                _mm256_castps256_ps128(x.high), _mm256_extractf128_ps(x.high, 1)};
    for (int i = 0; i < 4; ++i) lanes[i] = _mm256_add_pd(lanes[i], _mm256_cvtps_pd(quarters[i]));
  }
  /// The tree of tree_sum().
  double sum() const {
    const __m256d four = _mm256_add_pd(_mm256_add_pd(lanes[0], lanes[2]), _mm256_add_pd(lanes[1], lanes[3]));
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
  }
};

inline DoubleSum double_sum(Vector) { return {}; }

}  // namespace
}  // namespace lathe::avx2
