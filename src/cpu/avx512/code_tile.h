// Two groups of packed weights, unpacked in the cache, times many tokens: what quantized_multiply.h computes
// for few, bit for bit.
//
// Per block of 32 columns and token the float work is one multiply-add (two with minima), against eight
// integer dot products: activations have few scales and few zeros (quant/activation.h), so that
//   - integer sums start at -z * (sum of weight codes), one of 16 vectors that are computed once,
//   - scale * s is one of 16 vectors, scale * 1.xxxx, times a power of two, which vscalefps multiplies on
//     pipes that the dot products do not use.
// A step works on 4 tokens times 2 groups: eight integer sums of this block, eight of the block before, whose
// float work is spread between the dot products, and the float sums.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "cpu/avx512/packed_codes.h"
#include "cpu/vector/quantized_multiply.h"

namespace lathe::avx512 {
namespace {

constexpr int kCodeTokens = 4;
constexpr int kCodeGroups = 2;

/// What a group needs of one block.
struct alignas(64) ScaleTables {
  std::int32_t starts[kZeros][kPackedRows];    // -z * sum of the weight's codes, for z = 16 i
  float scales[kScaleMantissas][kPackedRows];  // scale * (1 + i / 16), exact
};

/// One block of 32 columns of kCodeGroups groups.
struct alignas(64) TileBlock {
  std::int8_t codes[8][kCodeGroups][kPackedRows * 4];  // [columns 4k to 4k + 3][group][row][column]
  ScaleTables tables[kCodeGroups];
  float minimum[kCodeGroups][kPackedRows];
  float half_minimum[kCodeGroups][kPackedRows];
};

/// Layouts with half scales would need twice the tables, which do not fit in the first-level cache.
template <class Layout>
constexpr bool kHasTile = Layout::kInfo.factors != PackedFactors::half_scales;

/// Blocks that are unpacked at once: 43 KiB.
constexpr std::int64_t kPanelBlocks = 8;

[[gnu::always_inline]] inline void fill_tables(__m512 sum, __m512 scale, ScaleTables& out) {
  const __m512i step = _mm512_slli_epi32(_mm512_cvtps_epi32(sum), 4);  // kZeroStep
  __m512i start = _mm512_setzero_si512();
  for (int i = 0; i < kZeros; ++i) {
    _mm512_store_si512(out.starts[i], start);
    start = _mm512_sub_epi32(start, step);
  }
  for (int i = 0; i < kScaleMantissas; ++i)
    _mm512_store_ps(out.scales[i],
                    _mm512_mul_ps(scale, _mm512_set1_ps(1.0f + static_cast<float>(i) / kScaleMantissas)));
}

template <class Layout>
[[gnu::always_inline]] inline void unpack_block(const std::uint8_t* record, int index, int group,
                                                TileBlock& out) {
  constexpr PackedFactors kFactors = Layout::kInfo.factors;
  WeightBlock weight;
  Layout::unpack(record, index, weight);
  for (int k = 0; k < 8; ++k) _mm512_store_si512(out.codes[k][group], weight.codes[k]);
  fill_tables(weight.sum[0], weight.scale[0], out.tables[group]);
  if constexpr (has_minima(kFactors)) _mm512_store_ps(out.minimum[group], weight.minimum);
  if constexpr (kFactors == PackedFactors::integer_scales_and_half_minima)
    _mm512_store_ps(out.half_minimum[group], weight.half_minimum);
}

/// Of one token.
struct alignas(64) TileSums {
  float values[kCodeGroups][kPackedRows];
};

/// Where the sums of all columns go. Stored as each step ends, so that the misses of the stores hide behind
/// the next step's dot products.
struct TileOutput {
  float* data;  // of the first token and group
  std::int64_t stride;
  __mmask16 rows[kCodeGroups];  // that there are
};

/// What a step does with one block for some of its 4 tokens; `kCount` are there.
template <PackedFactors kFactors, int kCount>
struct TileStep {
  using Integers = __m512i[kCount][kCodeGroups];

  std::int64_t row_bytes;
  std::int64_t factor_bytes;
  __m512 sums[kCount][kCodeGroups];

  [[gnu::always_inline]] void start(const TileBlock& block, const std::uint8_t* factors, Integers& products) {
#pragma GCC unroll 4
    for (int t = 0; t < kCount; ++t) {
      // Masked, so that a record that no quantizer wrote (a tensor from a file) cannot lead out of the table.
      const std::int64_t zero =
          vector::load_integer(factors + t * row_bytes + factor_bytes) & (kZeros - 1) * kZeroStep;
#pragma GCC unroll 2
      for (int g = 0; g < kCodeGroups; ++g)
        products[t][g] = _mm512_load_si512(block.tables[g].starts[0] + zero * (kPackedRows / kZeroStep));
    }
  }

  [[gnu::always_inline]] void dot(const TileBlock& block, const std::uint8_t* codes, int k,
                                  Integers& products) {
    __m512i weight[kCodeGroups];
    for (int g = 0; g < kCodeGroups; ++g) weight[g] = _mm512_load_si512(block.codes[k][g]);
#pragma GCC unroll 4
    for (int t = 0; t < kCount; ++t) {
      const __m512i four = _mm512_set1_epi32(vector::load_integer(codes + t * row_bytes + 4 * k));
      auto& product = products[t];
#pragma GCC unroll 2
      for (int g = 0; g < kCodeGroups; ++g) product[g] = _mm512_dpbusd_epi32(product[g], four, weight[g]);
    }
  }

  [[gnu::always_inline]] void finish(const TileBlock& block, const std::uint8_t* factors, int t, int g,
                                     const Integers& products) {
    const std::uint8_t* factor = factors + t * row_bytes;
    constexpr int kShift = kScaleLowBits - 4;  // the mantissa's bits, times kPackedRows
    const int mantissa = vector::load_integer(factor) >> kShift & (kScaleMantissas - 1) * kPackedRows;
    const __m512 exponent = _mm512_getexp_ps(_mm512_set1_ps(vector::load_float(factor)));
    const __m512 scale = _mm512_scalef_ps(_mm512_load_ps(block.tables[g].scales[0] + mantissa), exponent);
    sums[t][g] = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(products[t][g]), sums[t][g]);
    if constexpr (has_minima(kFactors))
      sums[t][g] = _mm512_fmadd_ps(_mm512_load_ps(block.minimum[g]),
                                   _mm512_set1_ps(vector::load_float(factor + 2 * factor_bytes)), sums[t][g]);
    if constexpr (kFactors == PackedFactors::integer_scales_and_half_minima)
      sums[t][g] = _mm512_fmadd_ps(_mm512_load_ps(block.half_minimum[g]),
                                   _mm512_set1_ps(vector::load_float(factor + 3 * factor_bytes)), sums[t][g]);
  }

  [[gnu::always_inline]] void finish_all(const TileBlock& block, const std::uint8_t* factors,
                                         const Integers& products) {
#pragma GCC unroll 4
    for (int t = 0; t < kCount; ++t)
#pragma GCC unroll 2
      for (int g = 0; g < kCodeGroups; ++g) finish(block, factors, t, g, products);
  }
};

/// Adds `count` blocks to the sums of kCount tokens, whose codes and factors are given for the first block.
/// The sums go to `output`, where there is one, instead of back.
template <PackedFactors kFactors, int kCount>
[[gnu::noinline]] void add_blocks(const TileBlock* blocks, std::int64_t count,
                                  const vector::ActivationBlock& first, TileSums* sums,
                                  const TileOutput* output) {
  TileStep<kFactors, kCount> step;
  step.row_bytes = first.row_bytes;
  step.factor_bytes = first.factor_bytes;
  const std::uint8_t* codes = first.codes;
  const std::uint8_t* factors = first.factors;
#pragma GCC unroll 4
  for (int t = 0; t < kCount; ++t)
#pragma GCC unroll 2
    for (int g = 0; g < kCodeGroups; ++g) step.sums[t][g] = _mm512_load_ps(sums[t].values[g]);

  typename TileStep<kFactors, kCount>::Integers products;
  step.start(*blocks, factors, products);
#pragma GCC unroll 8
  for (int k = 0; k < 8; ++k) step.dot(*blocks, codes, k, products);
  for (std::int64_t b = 1; b < count; ++b) {
    codes += kActivationBlock;
    factors += sizeof(float);
    typename TileStep<kFactors, kCount>::Integers next;
    step.start(blocks[b], factors, next);
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k) {
      step.dot(blocks[b], codes, k, next);
      if (k / kCodeGroups < kCount)
        step.finish(blocks[b - 1], factors - sizeof(float), k / kCodeGroups, k % kCodeGroups, products);
    }
#pragma GCC unroll 4
    for (int t = 0; t < kCount; ++t)
#pragma GCC unroll 2
      for (int g = 0; g < kCodeGroups; ++g) products[t][g] = next[t][g];
  }
  step.finish_all(blocks[count - 1], factors, products);
#pragma GCC unroll 4
  for (int t = 0; t < kCount; ++t)
#pragma GCC unroll 2
    for (int g = 0; g < kCodeGroups; ++g) {
      if (output == nullptr)
        _mm512_store_ps(sums[t].values[g], step.sums[t][g]);
      else
        _mm512_mask_storeu_ps(output->data + t * output->stride + g * kPackedRows, output->rows[g],
                              step.sums[t][g]);
    }
}

/// The panel's blocks for all tokens. `output`: of the last panel, else null.
template <PackedFactors kFactors>
void add_panel(const TileBlock* blocks, std::int64_t count, vector::ActivationBlock first, TileSums* sums,
               const TileOutput* output) {
  TileOutput place{};
  if (output != nullptr) place = *output;
  const TileOutput* const to = output == nullptr ? nullptr : &place;
  for (; first.tokens >= kCodeTokens; first.tokens -= kCodeTokens, sums += kCodeTokens) {
    add_blocks<kFactors, kCodeTokens>(blocks, count, first, sums, to);
    first.codes += kCodeTokens * first.row_bytes;
    first.factors += kCodeTokens * first.row_bytes;
    place.data += kCodeTokens * place.stride;
  }
  if (first.tokens == 3) add_blocks<kFactors, 3>(blocks, count, first, sums, to);
  if (first.tokens == 2) add_blocks<kFactors, 2>(blocks, count, first, sums, to);
  if (first.tokens == 1) add_blocks<kFactors, 1>(blocks, count, first, sums, to);
}

/// Fetches the panel from block `begin` on into the second-level cache, while the one before is computed.
/// Behind the last one that is the start of the next pair of groups.
template <class Layout>
[[gnu::always_inline]] inline void fetch_panel(const std::uint8_t* record, std::int64_t group_bytes,
                                               std::int64_t begin, std::int64_t blocks) {
  constexpr std::int64_t kBlockBytes = Layout::kInfo.record_bytes / vector::kRecordBlocks<Layout>;
  constexpr std::int64_t kBytes = kPanelBlocks * kBlockBytes;
  const bool last = begin == blocks;
  for (int g = 0; g < kCodeGroups; ++g) {
    const std::uint8_t* from =
        record + (g + (last ? kCodeGroups : 0)) * group_bytes + (last ? 0 : begin * kBlockBytes);
    for (std::int64_t i = 0; i < kBytes; i += 64) __builtin_prefetch(from + i, 0, 2);
  }
}

/// Two neighbouring groups for at most kMaxChunkTokens tokens; `record` is the first group's first and
/// the second's follow `group_bytes` behind.
template <class Layout>
void multiply_tile(const std::uint8_t* record, std::int64_t group_bytes, std::int64_t records,
                   vector::ActivationBlock activation, TileSums* sums, const TileOutput& output) {
  constexpr PackedFactors kFactors = Layout::kInfo.factors;
  constexpr std::int64_t kRecordBlocks = vector::kRecordBlocks<Layout>;
  TileBlock panel[kPanelBlocks];
  for (std::int64_t t = 0; t < activation.tokens; ++t)
    for (auto& group : sums[t].values) _mm512_store_ps(group, _mm512_setzero_ps());
  const std::int64_t blocks = records * kRecordBlocks;
  const std::int64_t panels = (blocks + kPanelBlocks - 1) / kPanelBlocks;
  for (std::int64_t p = 0; p < panels; ++p) {
    const std::int64_t begin = blocks * p / panels;  // panels of about equal size
    const std::int64_t count = blocks * (p + 1) / panels - begin;
    for (std::int64_t b = 0; b < count; ++b) {
      const std::int64_t block = begin + b;
      const std::uint8_t* source = record + block / kRecordBlocks * Layout::kInfo.record_bytes;
      for (int g = 0; g < kCodeGroups; ++g)
        unpack_block<Layout>(source + g * group_bytes, static_cast<int>(block % kRecordBlocks), g, panel[b]);
    }
    fetch_panel<Layout>(record, group_bytes, begin + count, blocks);
    add_panel<kFactors>(panel, count, activation, sums, p + 1 == panels ? &output : nullptr);
    activation.codes += count * kActivationBlock;
    activation.factors += count * static_cast<std::int64_t>(sizeof(float));
  }
}

}  // namespace
}  // namespace lathe::avx512
