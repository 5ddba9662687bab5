// Rows to 8-bit codes, four blocks at a time; what it computes is in portable/quantize_activation.cc.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/avx2/block_scale.h"
#include "cpu/avx512/vector.h"
#include "cpu/fine_columns.h"
#include "cpu/matmul_shape.h"

namespace lathe::avx512 {
namespace {

constexpr int kBlocks = 4;  // that are reduced together
constexpr int kChunkBlocks = 16;

/// Reduces four vectors at once: lane i % 4 of the result is the reduction of vectors[i % 4].
template <class Combine>
[[gnu::always_inline]] inline __m128 reduce_each(const __m512 vectors[kBlocks], Combine combine) {
  const auto pairs = [&](__m512 a, __m512 b) {
    return combine(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  };
  const __m512d first = _mm512_castps_pd(pairs(vectors[0], vectors[1]));
  const __m512d second = _mm512_castps_pd(pairs(vectors[2], vectors[3]));
  __m512 all = combine(_mm512_castpd_ps(_mm512_unpacklo_pd(first, second)),
                       _mm512_castpd_ps(_mm512_unpackhi_pd(first, second)));
  all = combine(all, _mm512_shuffle_f32x4(all, all, 0x4e));
  all = combine(all, _mm512_shuffle_f32x4(all, all, 0xb1));
  return _mm512_castps512_ps128(all);
}

/// Those of a block's columns that are not 0 in `marks`.
[[gnu::always_inline]] inline FineColumns marked_columns(const float* marks) {
  const auto marked = [marks](int i) {
    return static_cast<std::uint32_t>(
        _mm512_cmp_ps_mask(_mm512_loadu_ps(marks + i), _mm512_setzero_ps(), _CMP_NEQ_UQ));
  };
  return fine_columns(marked(0) | marked(16) << 16);
}

/// 16 values from column `first` of a block on, with 0 for those in `fine`.
[[gnu::always_inline]] inline __m512 load_rest(const float* block, int first, std::uint32_t fine) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>(~fine >> first), block + first);
}

/// Codes of two blocks' values in their order, of the fine ones that of 0. Packing holds them to 0..255, and
/// NaN, which is the least integer then, becomes 0.
[[gnu::always_inline]] inline __m512i quantize_pair(const float* const blocks[2], const std::uint32_t fine[2],
                                                    const float* inverses, const float* zeros) {
  __m512i words[2];
  for (int i = 0; i < 2; ++i) {
    const __m512 inverse = _mm512_set1_ps(inverses[i]);
    const __m512 zero = _mm512_set1_ps(zeros[i]);
    const auto code = [&](int first) {
      return _mm512_cvtps_epi32(_mm512_fmadd_ps(load_rest(blocks[i], first, fine[i]), inverse, zero));
    };
    words[i] = _mm512_packs_epi32(code(0), code(16));
  }
  // Packing works within quarters of a vector; the permutation puts the groups of four codes back in order.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, _mm512_packus_epi16(words[0], words[1]));
}

struct CodeSums {
  __m128 first_half;
  __m128 whole;
};

/// Of four blocks' codes.
[[gnu::always_inline]] inline CodeSums sums_of(const __m512i pairs[2]) {
  const __m512i nought = _mm512_setzero_si512();
  const __m512i first = _mm512_sad_epu8(pairs[0], nought);  // eight sums of eight codes
  const __m512i second = _mm512_slli_epi64(_mm512_sad_epu8(pairs[1], nought), 32);
  const __m512i eighths = _mm512_or_si512(first, second);
  const __m512i halves = _mm512_add_epi32(eighths, _mm512_shuffle_epi32(eighths, _MM_PERM_BADC));
  const __m128i half =
      _mm_unpacklo_epi32(_mm512_castsi512_si128(halves), _mm512_extracti32x4_epi32(halves, 2));
  const __m128i rest =
      _mm_unpacklo_epi32(_mm512_extracti32x4_epi32(halves, 1), _mm512_extracti32x4_epi32(halves, 3));
  return {_mm_cvtepi32_ps(half), _mm_cvtepi32_ps(_mm_add_epi32(half, rest))};
}

/// Of the first `count` (1 to 4) blocks.
[[gnu::always_inline]] inline avx2::BlockScales scales_of(const float* values, const FineColumns* fine,
                                                          int count) {
  __m512 low[kBlocks];
  __m512 high[kBlocks];
  unsigned nan_blocks = 0;
  alignas(16) float fine_ranges[kBlocks] = {};
  for (int i = 0; i < kBlocks; ++i) {
    const int there = i < count ? i : 0;
    const float* block = values + there * kActivationBlock;
    const __m512 first = load_rest(block, 0, fine[there].mask);
    const __m512 second = load_rest(block, 16, fine[there].mask);
    if (fine[there].count > 0) fine_ranges[i] = fine_range(fine[there], block);
    low[i] = _mm512_min_ps(first, second);
    high[i] = _mm512_max_ps(first, second);
    nan_blocks |= static_cast<unsigned>(_mm512_cmp_ps_mask(first, second, _CMP_UNORD_Q) != 0) << i;
  }
  const __m128 lowest = reduce_each(low, [](__m512 a, __m512 b) { return _mm512_min_ps(a, b); });
  __m128 highest = reduce_each(high, [](__m512 a, __m512 b) { return _mm512_max_ps(a, b); });
  highest = _mm_max_ps(highest, _mm_load_ps(fine_ranges));
  return avx2::block_scales(
      lowest, _mm_mask_mov_ps(highest, static_cast<__mmask8>(nan_blocks), _mm_set1_ps(__builtin_inff())));
}

/// What fine columns add to the factors of four blocks.
struct FineFactors {
  alignas(16) std::int32_t places[kBlocks] = {};
  alignas(16) std::int32_t codes[kBlocks] = {};
  alignas(16) std::int32_t sums[kBlocks] = {};
  alignas(16) std::int32_t half_sums[kBlocks] = {};
};

[[gnu::always_inline]] inline FineFactors fine_factors(const float* values, const FineColumns* fine,
                                                       const float* inverses, int count) {
  FineFactors result;
  for (int i = 0; i < count; ++i) {
    if (fine[i].count == 0) continue;
    const FineCodes codes = fine_codes(fine[i], values + i * kActivationBlock, inverses[i]);
    result.places[i] = fine_places(fine[i]);
    result.codes[i] = packed_fine_codes(codes);
    result.sums[i] = codes.sum;
    result.half_sums[i] = codes.half_sum;
  }
  return result;
}

[[gnu::always_inline]] inline __m128i load_integers(const std::int32_t* four) {
  return _mm_load_si128(reinterpret_cast<const __m128i*>(four));
}

/// Quantizes up to kChunkBlocks neighbouring blocks of a row. `factors` points at the first one's scale; the
/// others follow `stride` bytes apart. Factors come first for all blocks, so that their long chains overlap.
inline void quantize_chunk(const float* values, const float* marks, int count, std::uint8_t* codes,
                           std::uint8_t* factors, std::int64_t stride) {
  FineColumns fine[kChunkBlocks];
  if (marks != nullptr)
    for (int i = 0; i < count; ++i) fine[i] = marked_columns(marks + i * kActivationBlock);
  float scales[kChunkBlocks];
  float inverses[kChunkBlocks];
  float zeros[kChunkBlocks];
  for (int i = 0; i < count; i += kBlocks) {
    const avx2::BlockScales result = scales_of(values + i * kActivationBlock, fine + i, count - i);
    _mm_storeu_ps(scales + i, result.scale);
    _mm_storeu_ps(inverses + i, result.inverse);
    _mm_storeu_ps(zeros + i, result.zero);
  }
  for (int i = 0; i < count; i += kBlocks) {
    __m512i pairs[2];
    for (int k = 0; k < 2; ++k) {
      const int block = i + 2 * k;
      const int there = count - block < 2 ? count - block : 2;  // of the two
      const float* source = values + (there > 0 ? block : 0) * kActivationBlock;
      const float* const blocks[] = {source, there > 1 ? source + kActivationBlock : source};
      const std::uint32_t masks[] = {there > 0 ? fine[block].mask : 0, there > 1 ? fine[block + 1].mask : 0};
      pairs[k] = quantize_pair(blocks, masks, inverses + block, zeros + block);
      const __mmask16 stored = first_lanes(there > 0 ? 8 * there : 0);
      _mm512_mask_storeu_epi32(codes + block * kActivationBlock, stored, pairs[k]);
    }
    const CodeSums sums = sums_of(pairs);
    const __m128 zero = _mm_loadu_ps(zeros + i);
    __m128 sum = _mm_fnmadd_ps(_mm_set1_ps(32.0f), zero, sums.whole);  // exact
    __m128 half_sum = _mm_fnmadd_ps(_mm_set1_ps(16.0f), zero, sums.first_half);
    __m128i entry = _mm_cvtps_epi32(zero);
    __m128i fine_code = _mm_setzero_si128();
    if (marks != nullptr) {
      const FineFactors of = fine_factors(values + i * kActivationBlock, fine + i, inverses + i,
                                          count - i < kBlocks ? count - i : kBlocks);
      sum = _mm_add_ps(sum, _mm_cvtepi32_ps(load_integers(of.sums)));
      half_sum = _mm_add_ps(half_sum, _mm_cvtepi32_ps(load_integers(of.half_sums)));
      entry = _mm_or_si128(entry, load_integers(of.places));
      fine_code = load_integers(of.codes);
    }
    const __m128 scale = _mm_loadu_ps(scales + i);
    const auto present = static_cast<__mmask8>((1u << (count - i < kBlocks ? count - i : kBlocks)) - 1u);
    std::uint8_t* out = factors + i * 4;
    _mm_mask_storeu_ps(out, present, scale);
    _mm_mask_storeu_epi32(out + stride, present, entry);
    _mm_mask_storeu_ps(out + 2 * stride, present, _mm_mul_ps(scale, sum));
    _mm_mask_storeu_ps(out + 3 * stride, present, _mm_mul_ps(scale, half_sum));
    _mm_mask_storeu_epi32(out + 4 * stride, present, fine_code);
  }
}

/// Quantizes `count` neighbouring blocks of a row from block `first` on, whose values are given, and marks of
/// their fine columns, or null, into the row's record.
inline void quantize_blocks(Vector, const float* values, const float* marks, std::int64_t first,
                            std::int64_t count, std::int64_t columns, std::uint8_t* row) {
  const std::int64_t end = first + count;
  for (std::int64_t block = first; block < end; block += kChunkBlocks) {
    quantize_chunk(values, marks, static_cast<int>(end - block < kChunkBlocks ? end - block : kChunkBlocks),
                   row + block * kActivationBlock, row + columns + block * 4, columns / kActivationBlock * 4);
    values += kChunkBlocks * kActivationBlock;
    if (marks != nullptr) marks += kChunkBlocks * kActivationBlock;
  }
}

}  // namespace
}  // namespace lathe::avx512
