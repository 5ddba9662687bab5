// Rows to 8-bit codes with scales of many columns or known ahead; what it computes is in
// portable/ranged_quantize_activation.cc.
#pragma once

#include "cpu/avx512/quantize_row.h"

namespace lathe::avx512 {
namespace {

/// Calls step(first, count) for chunks of `count` blocks.
template <class Step>
[[gnu::always_inline]] inline void in_chunks(std::int64_t count, Step step) {
  for (std::int64_t first = 0; first < count; first += kChunkBlocks)
    step(first, static_cast<int>(count - first < kChunkBlocks ? count - first : kChunkBlocks));
}

/// Of `count` blocks that share one scale.
[[gnu::always_inline]] inline avx2::BlockScales common_scale(const float* values, std::int64_t count) {
  __m512 low = _mm512_loadu_ps(values);
  __m512 high = low;
  __mmask16 unordered = 0;
  for (std::int64_t i = 0; i < count * kActivationBlock; i += 16) {
    const __m512 some = _mm512_loadu_ps(values + i);
    low = _mm512_min_ps(low, some);
    high = _mm512_max_ps(high, some);
    unordered |= _mm512_cmp_ps_mask(some, some, _CMP_UNORD_Q);
  }
  const float most = unordered != 0 ? __builtin_inff() : _mm512_reduce_max_ps(high);
  return avx2::block_scales(_mm_set1_ps(_mm512_reduce_min_ps(low)), _mm_set1_ps(most));
}

/// Blocks [first, first + count) of a row, whose values are given, with one scale.
inline void quantize_group(Vector, const float* values, std::int64_t first, std::int64_t count,
                           std::int64_t columns, std::uint8_t* row) {
  const avx2::BlockScales common = common_scale(values, count);
  ChunkScales scales;
  for (int i = 0; i < kChunkBlocks; i += kBlocks) scales.set(i, common);
  in_chunks(count, [&](std::int64_t chunk, int some) {
    make_codes<false>(values + chunk * kActivationBlock, scales, some,
                      row + (first + chunk) * kActivationBlock, row + columns + (first + chunk) * 4,
                      columns / kActivationBlock * 4);
  });
}

/// Bit i: block i of up to kBlocks holds a NaN or an infinity.
[[gnu::always_inline]] inline __mmask8 blocks_not_finite(const float* values, int count) {
  unsigned found = 0;
  const __m512 nought = _mm512_setzero_ps();
  for (int i = 0; i < kBlocks && i < count; ++i) {
    const float* block = values + i * kActivationBlock;
    const __m512 first = _mm512_mul_ps(_mm512_loadu_ps(block), nought);
    const __m512 both = _mm512_fmadd_ps(_mm512_loadu_ps(block + 16), nought, first);
    found |= static_cast<unsigned>(_mm512_cmp_ps_mask(both, both, _CMP_UNORD_Q) != 0) << i;
  }
  return static_cast<__mmask8>(found);
}

/// A row whose blocks' scales hold `ranges`, [2, blocks]; `marks` of fine columns may be null.
inline void quantize_known(Vector, const float* values, const float* ranges, const float* marks,
                           std::int64_t columns, std::uint8_t* row) {
  const std::int64_t blocks = columns / kActivationBlock;
  in_chunks(blocks, [&](std::int64_t chunk, int some) {
    const float* source = values + chunk * kActivationBlock;
    ChunkScales scales;
    for (int i = 0; i < some; i += kBlocks) {
      const auto present = static_cast<__mmask8>((1u << (some - i < kBlocks ? some - i : kBlocks)) - 1u);
      const __m128 low = _mm_maskz_loadu_ps(present, ranges + chunk + i);
      const __m128 high = _mm_maskz_loadu_ps(present, ranges + blocks + chunk + i);
      const __mmask8 lost = blocks_not_finite(source + i * kActivationBlock, some - i);
      scales.set(i, avx2::block_scales(low, _mm_mask_mov_ps(high, lost, _mm_set1_ps(__builtin_inff()))));
    }
    const MarkedChunk marked(source, marks == nullptr ? nullptr : marks + chunk * kActivationBlock, some);
    std::uint8_t* codes = row + chunk * kActivationBlock;
    std::uint8_t* factors = row + columns + chunk * 4;
    make_codes<true>(marked.rest(), scales, some, codes, factors, blocks * 4);
    marked.add(codes, factors, blocks * 4);
  });
}

}  // namespace
}  // namespace lathe::avx512
