// Groups of packed weights times 8-bit activations with VNNI (vector/quantized_multiply.h).
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "cpu/avx512/code_tile.h"
#include "cpu/avx512/packed_codes.h"
#include "cpu/vector/quantized_multiply.h"

namespace lathe::avx512 {
namespace {

/// acc + scale * s * (product - z * sum of codes); the difference of whole numbers is exact.
[[gnu::always_inline]] inline __m512 add_product(__m512i product, __m512 scale, __m512 sum, float s, float z,
                                                 __m512 acc) {
  const __m512 difference = _mm512_fnmadd_ps(_mm512_set1_ps(z), sum, _mm512_cvtepi32_ps(product));
  return _mm512_fmadd_ps(_mm512_mul_ps(scale, _mm512_set1_ps(s)), difference, acc);
}

inline __mmask16 row_mask(std::int64_t rows) {
  return rows >= kPackedRows ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1u << rows) - 1u);
}

/// acc + s * (both halves' scale * product) - z * s * (both halves' scale * sum of codes); `sum` is the
/// latter.
[[gnu::always_inline]] inline __m512 add_halves(const WeightBlock& weight, __m512i low, __m512i high,
                                                __m512 sum, float s, float z, __m512 acc) {
  const __m512 product = _mm512_fmadd_ps(weight.scale[1], _mm512_cvtepi32_ps(high),
                                         _mm512_mul_ps(weight.scale[0], _mm512_cvtepi32_ps(low)));
  acc = _mm512_fmadd_ps(_mm512_set1_ps(s), product, acc);
  return _mm512_fnmadd_ps(_mm512_set1_ps(z * s), sum, acc);
}

/// Weights of a block's fine columns, and the 16-bit codes that they are multiplied with.
struct FineWeights {
  __m512i codes;  // [row][the two columns], 16 bits each
  __m512i low;    // of packed fine codes, those of columns 0 to 15, or all unless the layout has half scales
  __m512i high;   // and the others
  bool any;
};

template <class Layout>
[[gnu::always_inline]] inline FineWeights fine_weights(const WeightBlock& weight, std::uint32_t zeros_entry) {
  FineWeights fine{};
  fine.any = (zeros_entry & kHasFine) != 0;
  if (!fine.any) return fine;
  __m512i codes[8];  // in memory, so that a column can be picked
  for (int k = 0; k < 8; ++k) _mm512_store_si512(codes + k, weight.codes[k]);
  fine.codes = fine_pairs(codes, 1, zeros_entry);
  if constexpr (Layout::kInfo.factors == PackedFactors::half_scales) {
    fine.low = _mm512_set1_epi32(first_half_codes(zeros_entry));
    fine.high = _mm512_xor_si512(fine.low, _mm512_set1_epi32(-1));
  }
  return fine;
}

/// One block for kTokens tokens from those of `codes` and `factors` on.
template <PackedFactors kFactors, int kTokens>
[[gnu::always_inline]] inline void add_tokens(const WeightBlock& weight, const FineWeights& fine,
                                              const std::uint8_t* codes, const std::uint8_t* factors,
                                              std::int64_t row_bytes, std::int64_t factor_bytes,
                                              __m512* acc) {
  __m512i low[kTokens];
  __m512i high[kTokens];
  for (int t = 0; t < kTokens; ++t) low[t] = high[t] = _mm512_setzero_si512();
  for (int k = 0; k < 4; ++k)
    for (int t = 0; t < kTokens; ++t) {
      const std::uint8_t* token = codes + t * row_bytes + 4 * k;
      low[t] = _mm512_dpbusd_epi32(low[t], _mm512_set1_epi32(vector::load_integer(token)), weight.codes[k]);
      high[t] = _mm512_dpbusd_epi32(high[t], _mm512_set1_epi32(vector::load_integer(token + 16)),
                                    weight.codes[k + 4]);
    }
  for (int t = 0; fine.any && t < kTokens; ++t) {
    const __m512i pair = _mm512_set1_epi32(vector::load_integer(factors + t * row_bytes + 4 * factor_bytes));
    if constexpr (kFactors == PackedFactors::half_scales) {
      low[t] = _mm512_dpwssd_epi32(low[t], _mm512_and_si512(pair, fine.low), fine.codes);
      high[t] = _mm512_dpwssd_epi32(high[t], _mm512_and_si512(pair, fine.high), fine.codes);
    } else {
      low[t] = _mm512_dpwssd_epi32(low[t], pair, fine.codes);
    }
  }
  __m512 half_sums{};
  if constexpr (kFactors == PackedFactors::half_scales)
    half_sums =
        _mm512_fmadd_ps(weight.scale[1], weight.sum[1], _mm512_mul_ps(weight.scale[0], weight.sum[0]));
  for (int t = 0; t < kTokens; ++t) {
    const std::uint8_t* factor = factors + t * row_bytes;
    const float s = vector::load_float(factor);
    const float z = vector::load_zero(factor + factor_bytes);
    if constexpr (kFactors == PackedFactors::half_scales) {
      acc[t] = add_halves(weight, low[t], high[t], half_sums, s, z, acc[t]);
    } else {
      acc[t] = add_product(_mm512_add_epi32(low[t], high[t]), weight.scale[0], weight.sum[0], s, z, acc[t]);
    }
    if constexpr (has_minima(kFactors)) {
      const float x = vector::load_float(factor + 2 * factor_bytes);
      acc[t] = _mm512_fmadd_ps(weight.minimum, _mm512_set1_ps(x), acc[t]);
    }
    if constexpr (kFactors == PackedFactors::integer_scales_and_half_minima) {
      const float x = vector::load_float(factor + 3 * factor_bytes);
      acc[t] = _mm512_fmadd_ps(weight.half_minimum, _mm512_set1_ps(x), acc[t]);
    }
  }
}

/// Of one group and a chunk's tokens.
struct Sums {
  __m512 tokens[kMaxChunkTokens];

  [[gnu::always_inline]] void clear(std::int64_t count) {
    for (std::int64_t t = 0; t < count; ++t) tokens[t] = _mm512_setzero_ps();
  }

  template <class Layout>
  [[gnu::always_inline]] void add(const std::uint8_t* record, int index,
                                  const vector::ActivationBlock& block) {
    constexpr PackedFactors kFactors = Layout::kInfo.factors;
    WeightBlock weight;
    Layout::unpack(record, index, weight);
    const std::uint8_t* codes = block.codes;
    const std::uint8_t* factors = block.factors;
    const FineWeights fine = fine_weights<Layout>(weight, vector::load_entry(factors + block.factor_bytes));
    const std::int64_t row_bytes = block.row_bytes;
    __m512* acc = tokens;
    std::int64_t left = block.tokens;
    for (; left >= 4; left -= 4, acc += 4, codes += 4 * row_bytes, factors += 4 * row_bytes)
      add_tokens<kFactors, 4>(weight, fine, codes, factors, row_bytes, block.factor_bytes, acc);
    if (left >= 2) {
      add_tokens<kFactors, 2>(weight, fine, codes, factors, row_bytes, block.factor_bytes, acc);
      left -= 2, acc += 2, codes += 2 * row_bytes, factors += 2 * row_bytes;
    }
    if (left == 1) add_tokens<kFactors, 1>(weight, fine, codes, factors, row_bytes, block.factor_bytes, acc);
  }

  [[gnu::always_inline]] void store(float* output, std::int64_t stride, std::int64_t count,
                                    std::int64_t rows) const {
    for (std::int64_t t = 0; t < count; ++t)
      _mm512_mask_storeu_ps(output + t * stride, row_mask(rows), tokens[t]);
  }
};

/// Pairs of `groups`, by code_tile.h. Returns the first group that is left.
template <class Layout>
std::int64_t multiply_pairs(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                            const Share& tokens) {
  const std::int64_t records = shape.columns / Layout::kInfo.columns_per_record;
  const std::int64_t group_bytes = records * Layout::kInfo.record_bytes;
  const auto* weights = static_cast<const std::uint8_t*>(call.inputs[1].data);
  auto* output = static_cast<float*>(call.outputs[0].data) + tokens.begin * shape.rows;
  const auto* prepared = static_cast<const PreparedChunk*>(call.scratch);
  const std::int64_t blocks = shape.columns / kActivationBlock;
  const TileTokens quads{prepared->quads(), prepared->fine(), prepared->entries(), blocks,
                         tokens.end - tokens.begin};
  TileSums sums[kMaxChunkTokens];
  std::int64_t group = groups.begin;
  for (; group + kCodeGroups <= groups.end; group += kCodeGroups) {
    const std::int64_t row = group * kPackedRows;
    const TileOutput place{
        output + row, shape.rows, {row_mask(shape.rows - row), row_mask(shape.rows - row - kPackedRows)}};
    if (!multiply_tile<Layout>(weights + group * group_bytes, group_bytes, records, quads, sums, place))
      vector::multiply_chunk<Sums, Layout>(call, shape, {group, group + kCodeGroups}, tokens);
  }
  return group;
}

/// All of `groups` for at most kMaxChunkTokens tokens.
template <class Layout>
void multiply_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                    const Share& tokens) {
  Share left = groups;
  if constexpr (kHasTile<Layout>) {
    const auto* prepared = static_cast<const PreparedChunk*>(call.scratch);
    if (prepared != nullptr && prepared->usable)
      left.begin = multiply_pairs<Layout>(call, shape, groups, tokens);
  }
  vector::multiply_chunk<Sums, Layout>(call, shape, left, tokens);
}

}  // namespace
}  // namespace lathe::avx512
