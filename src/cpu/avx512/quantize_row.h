// Rows to 8-bit codes, four blocks at a time; what it computes is in portable/quantize_activation.cc.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/avx2/block_scale.h"
#include "cpu/avx512/vector.h"
#include "cpu/fine_columns.h"
#include "cpu/matmul_shape.h"
#include "cpu/vector/quantized_multiply.h"

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

/// Codes of two blocks' values in their order. Packing holds them to 0..255, and NaN, which is the least
/// integer then, becomes 0; where values may lie `far` beyond the scale, integers would overflow before.
template <bool far>
[[gnu::always_inline]] inline __m512i quantize_pair(const float* const blocks[2], const float* inverses,
                                                    const float* zeros) {
  __m512i words[2];
  for (int i = 0; i < 2; ++i) {
    const __m512 inverse = _mm512_set1_ps(inverses[i]);
    const __m512 zero = _mm512_set1_ps(zeros[i]);
    const auto code = [&](const float* source) {
      const __m512 position = _mm512_fmadd_ps(_mm512_loadu_ps(source), inverse, zero);
      return _mm512_cvtps_epi32(far ? _mm512_min_ps(_mm512_set1_ps(255.0f), position) : position);
    };
    words[i] = _mm512_packs_epi32(code(blocks[i]), code(blocks[i] + 16));
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

/// Of the first `count` (1 to 4) blocks; `least`, where it is not null, has what each must at least hold.
[[gnu::always_inline]] inline avx2::BlockScales scales_of(const float* values, const float* least,
                                                          int count) {
  __m512 low[kBlocks];
  __m512 high[kBlocks];
  unsigned nan_blocks = 0;
  for (int i = 0; i < kBlocks; ++i) {
    const float* block = values + (i < count ? i : 0) * kActivationBlock;
    const __m512 first = _mm512_loadu_ps(block);
    const __m512 second = _mm512_loadu_ps(block + 16);
    low[i] = _mm512_min_ps(first, second);
    high[i] = _mm512_max_ps(first, second);
    nan_blocks |= static_cast<unsigned>(_mm512_cmp_ps_mask(first, second, _CMP_UNORD_Q) != 0) << i;
  }
  const __m128 lowest = reduce_each(low, [](__m512 a, __m512 b) { return _mm512_min_ps(a, b); });
  __m128 highest = reduce_each(high, [](__m512 a, __m512 b) { return _mm512_max_ps(a, b); });
  if (least != nullptr) highest = _mm_max_ps(highest, _mm_loadu_ps(least));
  return avx2::block_scales(
      lowest, _mm_mask_mov_ps(highest, static_cast<__mmask8>(nan_blocks), _mm_set1_ps(__builtin_inff())));
}

/// Of up to kChunkBlocks neighbouring blocks.
struct ChunkScales {
  float scale[kChunkBlocks];
  float inverse[kChunkBlocks];
  float zero[kChunkBlocks];

  [[gnu::always_inline]] void set(int block, const avx2::BlockScales& of) {
    _mm_storeu_ps(scale + block, of.scale);
    _mm_storeu_ps(inverse + block, of.inverse);
    _mm_storeu_ps(zero + block, of.zero);
  }
};

/// Codes of up to kChunkBlocks neighbouring blocks of a row. `factors` points at the first one's scale; the
/// others follow `stride` bytes apart.
template <bool far>
[[gnu::always_inline]] inline void make_codes(const float* values, const ChunkScales& scales, int count,
                                              std::uint8_t* codes, std::uint8_t* factors,
                                              std::int64_t stride) {
  for (int i = 0; i < count; i += kBlocks) {
    __m512i pairs[2];
    for (int k = 0; k < 2; ++k) {
      const int block = i + 2 * k;
      const int there = count - block < 2 ? count - block : 2;  // of the two
      const float* source = values + (there > 0 ? block : 0) * kActivationBlock;
      const float* const blocks[] = {source, there > 1 ? source + kActivationBlock : source};
      pairs[k] = quantize_pair<far>(blocks, scales.inverse + block, scales.zero + block);
      const __mmask16 stored = first_lanes(there > 0 ? 8 * there : 0);
      _mm512_mask_storeu_epi32(codes + block * kActivationBlock, stored, pairs[k]);
    }
    const CodeSums sums = sums_of(pairs);
    const __m128 zero = _mm_loadu_ps(scales.zero + i);
    const __m128 sum = _mm_fnmadd_ps(_mm_set1_ps(32.0f), zero, sums.whole);  // exact
    const __m128 half_sum = _mm_fnmadd_ps(_mm_set1_ps(16.0f), zero, sums.first_half);
    const __m128 scale = _mm_loadu_ps(scales.scale + i);
    const auto present = static_cast<__mmask8>((1u << (count - i < kBlocks ? count - i : kBlocks)) - 1u);
    std::uint8_t* out = factors + i * 4;
    _mm_mask_storeu_ps(out, present, scale);
    _mm_mask_storeu_epi32(out + stride, present, _mm_cvtps_epi32(zero));
    _mm_mask_storeu_ps(out + 2 * stride, present, _mm_mul_ps(scale, sum));
    _mm_mask_storeu_ps(out + 3 * stride, present, _mm_mul_ps(scale, half_sum));
    _mm_mask_storeu_epi32(out + 4 * stride, present, _mm_setzero_si128());
  }
}

/// Factors come first for all blocks, so that their long chains overlap.
[[gnu::always_inline]] inline void quantize_chunk(const float* values, const float* least, int count,
                                                  std::uint8_t* codes, std::uint8_t* factors,
                                                  std::int64_t stride) {
  ChunkScales scales;
  for (int i = 0; i < count; i += kBlocks)
    scales.set(i,
               scales_of(values + i * kActivationBlock, least == nullptr ? nullptr : least + i, count - i));
  make_codes<false>(values, scales, count, codes, factors, stride);
}

/// Adds a block's fine columns to its factors. Sums are made anew of the codes, since those without the fine
/// ones may be infinite.
inline void add_fine(const FineColumns& fine, const float* values, const std::uint8_t* block_codes,
                     std::uint8_t* factors, std::int64_t stride) {
  const float scale = vector::load_float(factors);
  const std::int32_t zero = vector::load_integer(factors + stride);
  const FineCodes codes = fine_codes(fine, values, scale > 0.0f ? 1.0f / scale : 0.0f);
  const auto sum_of = [&](int first) {
    const auto* sixteen = reinterpret_cast<const __m128i*>(block_codes + first);
    const __m128i sums = _mm_sad_epu8(_mm_loadu_si128(sixteen), _mm_setzero_si128());
    return _mm_cvtsi128_si32(_mm_add_epi32(sums, _mm_unpackhi_epi64(sums, sums))) - 16 * zero;
  };
  const int first = sum_of(0);
  const float sum = scale * static_cast<float>(first + sum_of(16) + codes.sum);
  const float half_sum = scale * static_cast<float>(first + codes.half_sum);
  const std::int32_t entry = zero | fine_places(fine);
  const std::int32_t packed = packed_fine_codes(codes);
  __builtin_memcpy(factors + stride, &entry, sizeof entry);
  __builtin_memcpy(factors + 2 * stride, &sum, sizeof sum);
  __builtin_memcpy(factors + 3 * stride, &half_sum, sizeof half_sum);
  __builtin_memcpy(factors + 4 * stride, &packed, sizeof packed);
}

/// Blocks with marked columns, which are quantized as if these were 0 and get them added.
class MarkedChunk {
 public:
  /// `marks` may be null.
  MarkedChunk(const float* values, const float* marks, int count) : values_(values), rest_(values) {
    for (int i = 0; marks != nullptr && i < count; ++i) {
      const auto marked = [&](int first) {
        const __m512 sixteen = _mm512_loadu_ps(marks + i * kActivationBlock + first);
        return static_cast<std::uint32_t>(_mm512_cmp_ps_mask(sixteen, _mm512_setzero_ps(), _CMP_NEQ_UQ));
      };
      bits_[i] = marked(0) | marked(16) << 16;
      any_ |= bits_[i] != 0 ? 1u << i : 0u;
    }
    if (any_ == 0) return;
    __builtin_memcpy(copy_, values, static_cast<std::size_t>(count) * kActivationBlock * sizeof(float));
    rest_ = copy_;
    for (std::uint32_t left = any_; left != 0; left &= left - 1) {
      const int i = __builtin_ctz(left);
      for (const std::int32_t column : fine_columns(bits_[i]).columns)
        copy_[i * kActivationBlock + column] = 0.0f;
    }
  }

  /// The values, marked ones 0.
  const float* rest() const { return rest_; }

  /// What each block must at least hold.
  void require(float* least) const {
    for (std::uint32_t left = any_; left != 0; left &= left - 1) {
      const int i = __builtin_ctz(left);
      least[i] = fine_range(fine_columns(bits_[i]), values_ + i * kActivationBlock);
    }
  }

  void add(std::uint8_t* codes, std::uint8_t* factors, std::int64_t stride) const {
    for (std::uint32_t left = any_; left != 0; left &= left - 1) {
      const int i = __builtin_ctz(left);
      const std::int64_t first = i * kActivationBlock;
      add_fine(fine_columns(bits_[i]), values_ + first, codes + first, factors + 4 * i, stride);
    }
  }

 private:
  const float* values_;
  const float* rest_;
  std::uint32_t bits_[kChunkBlocks];
  std::uint32_t any_ = 0;
  alignas(64) float copy_[kChunkBlocks * kActivationBlock];
};

[[gnu::noinline]] inline void quantize_marked_chunk(const float* values, const float* marks, int count,
                                                    std::uint8_t* codes, std::uint8_t* factors,
                                                    std::int64_t stride) {
  const MarkedChunk marked(values, marks, count);
  float least[kChunkBlocks] = {};
  marked.require(least);
  quantize_chunk(marked.rest(), least, count, codes, factors, stride);
  marked.add(codes, factors, stride);
}

/// Quantizes `count` neighbouring blocks of a row from block `first` on, whose values are given, and marks of
/// their fine columns, or null, into the row's record.
inline void quantize_blocks(Vector, const float* values, const float* marks, std::int64_t first,
                            std::int64_t count, std::int64_t columns, std::uint8_t* row) {
  const std::int64_t stride = columns / kActivationBlock * 4;
  const std::int64_t end = first + count;
  for (std::int64_t block = first; block < end; block += kChunkBlocks) {
    const int some = static_cast<int>(end - block < kChunkBlocks ? end - block : kChunkBlocks);
    std::uint8_t* codes = row + block * kActivationBlock;
    std::uint8_t* factors = row + columns + block * 4;
    if (marks == nullptr) {
      quantize_chunk(values, nullptr, some, codes, factors, stride);
    } else {
      quantize_marked_chunk(values, marks, some, codes, factors, stride);
      marks += kChunkBlocks * kActivationBlock;
    }
    values += kChunkBlocks * kActivationBlock;
  }
}

}  // namespace
}  // namespace lathe::avx512
