// Groups of packed weights times 8-bit activations with 16-bit sums of u8 x s8 products
// (vector/quantized_multiply.h), 8 rows at a time, so that the codes stay in registers.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "cpu/avx2/lane_mask.h"
#include "cpu/avx2/packed_codes.h"
#include "cpu/fine_columns.h"
#include "cpu/vector/quantized_multiply.h"

namespace lathe::avx2 {
namespace {

/// Sum of products of columns [4 * kBegin, 4 * kEnd), for 8 rows, times `factor` (16-bit lanes).
template <int kBegin, int kEnd, int kSteps>
[[gnu::always_inline]] inline __m256i dot(const std::uint8_t* activation, const __m256i codes[8],
                                          __m256i factor) {
  __m256i sum = _mm256_setzero_si256();
  for (int begin = kBegin; begin < kEnd; begin += kSteps) {
    __m256i pairs = _mm256_setzero_si256();
    for (int k = begin; k < begin + kSteps; ++k) {
      const __m256i four = _mm256_set1_epi32(vector::load_integer(activation + 4 * k));
      pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(four, codes[k]));
    }
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, factor));
  }
  return sum;
}

template <class Layout, int kBegin, int kEnd>
[[gnu::always_inline]] inline __m256i product(const std::uint8_t* activation, const WeightBlock& weight) {
  __m256i sum = dot<kBegin, kEnd, Layout::kSteps>(activation, weight.codes, _mm256_set1_epi16(1));
  if constexpr (Layout::kTwoPlanes)
    sum = _mm256_add_epi32(sum,
                           dot<kBegin, kEnd, Layout::kSteps>(activation, weight.high, _mm256_set1_epi16(16)));
  return sum;
}

/// The same of all columns, each half's times its integer scales.
template <class Layout>
[[gnu::always_inline]] inline __m256i scaled_product(const std::uint8_t* activation,
                                                     const WeightBlock& weight) {
  return _mm256_add_epi32(dot<0, 4, Layout::kSteps>(activation, weight.codes, weight.integer_scale[0]),
                          dot<4, 8, Layout::kSteps>(activation, weight.codes, weight.integer_scale[1]));
}

/// Sums of 16 columns of codes, times `factor` (16-bit lanes). Four codes are added as bytes first.
[[gnu::always_inline]] inline __m256i sum_plane(const __m256i codes[4], __m256i factor) {
  const __m256i bytes =
      _mm256_add_epi8(_mm256_add_epi8(codes[0], codes[1]), _mm256_add_epi8(codes[2], codes[3]));
  return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes), factor);
}

/// Sums of the codes: of columns 0 to 15 and 16 to 31, or all in the first unless the layout has half scales.
template <class Layout>
[[gnu::always_inline]] inline void sum_codes(const WeightBlock& weight, __m256 out[2]) {
  constexpr PackedFactors kFactors = Layout::kInfo.factors;
  __m256i sums[2];
  for (int half = 0; half < 2; ++half) {
    const __m256i factor = has_integer_scales(kFactors) ? weight.integer_scale[half] : _mm256_set1_epi16(1);
    sums[half] = sum_plane(weight.codes + 4 * half, factor);
    if constexpr (Layout::kTwoPlanes)
      sums[half] = _mm256_add_epi32(sums[half], sum_plane(weight.high + 4 * half, _mm256_set1_epi16(16)));
  }
  if constexpr (kFactors == PackedFactors::half_scales)
    out[1] = _mm256_cvtepi32_ps(sums[1]);
  else
    sums[0] = _mm256_add_epi32(sums[0], sums[1]);
  out[0] = _mm256_cvtepi32_ps(sums[0]);
}

/// acc + scale * s * (product - z * sum of codes); the difference of whole numbers is exact.
[[gnu::always_inline]] inline __m256 add_product(__m256i products, __m256 scale, __m256 sum, float s, float z,
                                                 __m256 acc) {
  const __m256 difference = _mm256_fnmadd_ps(_mm256_set1_ps(z), sum, _mm256_cvtepi32_ps(products));
  return _mm256_fmadd_ps(_mm256_mul_ps(scale, _mm256_set1_ps(s)), difference, acc);
}

/// acc + s * (both halves' scale * product) - z * s * (both halves' scale * sum of codes); `sum` is the
/// latter.
[[gnu::always_inline]] inline __m256 add_halves(const WeightBlock& weight, __m256i low, __m256i high,
                                                __m256 sum, float s, float z, __m256 acc) {
  const __m256 product = _mm256_fmadd_ps(weight.scale[1], _mm256_cvtepi32_ps(high),
                                         _mm256_mul_ps(weight.scale[0], _mm256_cvtepi32_ps(low)));
  acc = _mm256_fmadd_ps(_mm256_set1_ps(s), product, acc);
  return _mm256_fnmadd_ps(_mm256_set1_ps(z * s), sum, acc);
}

/// Weights of a block's fine columns, and the 16-bit codes that they are multiplied with.
struct FineWeights {
  __m256i codes;  // [row][the two columns], 16 bits each
  __m256i low;    // of packed fine codes, those of columns 0 to 15, or all unless the layout has half scales
  __m256i high;   // and the others
  bool any;
};

/// One byte column of codes as integers.
[[gnu::always_inline]] inline __m256i column_of(const __m256i* codes, int column) {
  const __m128i shift = _mm_cvtsi32_si128(24 - column % 4 * 8);
  return _mm256_srai_epi32(_mm256_sll_epi32(_mm256_load_si256(codes + column / 4), shift), 24);
}

template <class Layout>
[[gnu::always_inline]] inline FineWeights fine_weights(const WeightBlock& weight, std::uint32_t zeros_entry) {
  constexpr PackedFactors kFactors = Layout::kInfo.factors;
  FineWeights fine{};
  fine.any = (zeros_entry & kHasFine) != 0;
  if (!fine.any) return fine;
  __m256i planes[2][8];  // in memory, so that a column can be picked
  for (int k = 0; k < 8; ++k) {
    _mm256_store_si256(planes[0] + k, weight.codes[k]);
    if constexpr (Layout::kTwoPlanes) _mm256_store_si256(planes[1] + k, weight.high[k]);
  }
  __m256i columns[kFineColumns];
  for (int i = 0; i < kFineColumns; ++i) {
    const int column = fine_column(zeros_entry, i);
    columns[i] = column_of(planes[0], column);
    if constexpr (Layout::kTwoPlanes)
      columns[i] = _mm256_add_epi32(columns[i], _mm256_slli_epi32(column_of(planes[1], column), 4));
    if constexpr (has_integer_scales(kFactors)) {
      const __m256i one = _mm256_and_si256(columns[i], _mm256_set1_epi32(0xffff));
      columns[i] = _mm256_madd_epi16(one, weight.integer_scale[column < kActivationBlock / 2 ? 0 : 1]);
    }
  }
  fine.codes = _mm256_blend_epi16(columns[0], _mm256_slli_epi32(columns[1], 16), 0xaa);
  fine.low = _mm256_set1_epi32(-1);
  if constexpr (kFactors == PackedFactors::half_scales)
    fine.low = _mm256_set1_epi32(first_half_codes(zeros_entry));
  fine.high = _mm256_xor_si256(fine.low, _mm256_set1_epi32(-1));
  return fine;
}

/// sum plus the fine columns' products with the codes that `part` has of them.
[[gnu::always_inline]] inline __m256i add_fine(__m256i sum, const FineWeights& fine, __m256i part,
                                               const std::uint8_t* codes) {
  if (!fine.any) return sum;
  const __m256i pair = _mm256_and_si256(part, _mm256_set1_epi32(vector::load_integer(codes)));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pair, fine.codes));
}

/// One block of 8 rows for all tokens.
template <class Layout>
[[gnu::always_inline]] inline void add_tokens(const WeightBlock& weight, const vector::ActivationBlock& block,
                                              __m256* acc) {
  constexpr PackedFactors kFactors = Layout::kInfo.factors;
  __m256 sum[2];
  sum_codes<Layout>(weight, sum);
  if constexpr (kFactors == PackedFactors::half_scales)
    sum[0] = _mm256_fmadd_ps(weight.scale[1], sum[1], _mm256_mul_ps(weight.scale[0], sum[0]));
  const std::uint8_t* codes = block.codes;
  const std::uint8_t* factors = block.factors;
  const FineWeights fine = fine_weights<Layout>(weight, vector::load_entry(factors + block.factor_bytes));
  for (std::int64_t t = 0; t < block.tokens; ++t, codes += block.row_bytes, factors += block.row_bytes) {
    const float s = vector::load_float(factors);
    const float z = vector::load_zero(factors + block.factor_bytes);
    const std::uint8_t* fine_codes = factors + 4 * block.factor_bytes;
    if constexpr (kFactors == PackedFactors::half_scales) {
      acc[t] = add_halves(weight, add_fine(product<Layout, 0, 4>(codes, weight), fine, fine.low, fine_codes),
                          add_fine(product<Layout, 4, 8>(codes, weight), fine, fine.high, fine_codes), sum[0],
                          s, z, acc[t]);
    } else {
      __m256i products;
      if constexpr (has_integer_scales(kFactors))
        products = scaled_product<Layout>(codes, weight);
      else
        products = product<Layout, 0, 8>(codes, weight);
      products = add_fine(products, fine, fine.low, fine_codes);
      acc[t] = add_product(products, weight.scale[0], sum[0], s, z, acc[t]);
    }
    if constexpr (has_minima(kFactors)) {
      const float x = vector::load_float(factors + 2 * block.factor_bytes);
      acc[t] = _mm256_fmadd_ps(weight.minimum, _mm256_set1_ps(x), acc[t]);
    }
    if constexpr (kFactors == PackedFactors::integer_scales_and_half_minima) {
      const float x = vector::load_float(factors + 3 * block.factor_bytes);
      acc[t] = _mm256_fmadd_ps(weight.half_minimum, _mm256_set1_ps(x), acc[t]);
    }
  }
}

/// Of one group and a chunk's tokens.
struct Sums {
  __m256 tokens[2][kMaxChunkTokens];  // rows 0 to 7 and 8 to 15

  [[gnu::always_inline]] void clear(std::int64_t count) {
    for (std::int64_t t = 0; t < count; ++t) tokens[0][t] = tokens[1][t] = _mm256_setzero_ps();
  }

  template <class Layout>
  [[gnu::always_inline]] void add(const std::uint8_t* record, int index,
                                  const vector::ActivationBlock& block) {
    for (int half = 0; half < 2; ++half) {
      WeightBlock weight;
      Layout::unpack(record, index, half, weight);
      add_tokens<Layout>(weight, block, tokens[half]);
    }
  }

  [[gnu::always_inline]] void store(float* output, std::int64_t stride, std::int64_t count,
                                    std::int64_t rows) const {
    for (int half = 0; half < 2; ++half) {
      const __m256i mask = lane_mask(rows - 8 * half);
      for (std::int64_t t = 0; t < count; ++t)
        _mm256_maskstore_ps(output + t * stride + 8 * half, mask, tokens[half][t]);
    }
  }
};

/// All of `groups` for at most kMaxChunkTokens tokens.
template <class Layout>
void multiply_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                    const Share& tokens) {
  vector::multiply_chunk<Sums, Layout>(call, shape, groups, tokens);
}

}  // namespace
}  // namespace lathe::avx2
