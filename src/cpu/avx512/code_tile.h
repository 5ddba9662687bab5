// Two groups of packed weights, unpacked in the cache, times many tokens: what quantized_multiply.h computes
// for few, bit for bit.
//
// Per block of 32 columns and token the float work is one multiply-add (two with minima), against eight
// integer dot products: activations have few scales and few zeros (quant/activation.h), so that
//   - integer sums start at -z * (sum of weight codes), one of 16 vectors that are computed once,
//   - scale * s is one of 16 vectors, scale * 1.xxxx, times a power of two, which adds to the exponents on
//     pipes that the dot products do not use.
// Scales so small or great that this would leave the normal floats are left to quantized_multiply.h: a
// chunk of tokens as prepare_chunk finds them, a pair of groups as multiply_tile does.
// A step works on 4 tokens times 2 groups: eight integer sums of this block, eight of the block before, whose
// float work is spread between the dot products, and the float sums.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "cpu/avx512/packed_codes.h"
#include "cpu/avx512/token_quads.h"
#include "cpu/vector/quantized_multiply.h"

namespace lathe::avx512 {
namespace {

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

/// Blocks that are unpacked at once: 43 KiB.
constexpr std::int64_t kPanelBlocks = 8;

/// Codes of the fine columns of a panel's blocks, where there are.
struct PanelFine {
  alignas(64) std::int16_t codes[kPanelBlocks][kCodeGroups][kPackedRows][kFineColumns];
  std::uint32_t blocks;  // a bit for each block that has any

  bool has(std::int64_t block) const { return (blocks >> block & 1u) != 0; }
};

/// Layouts with half scales would need twice the tables, which do not fit in the first-level cache.
template <class Layout>
constexpr bool kHasTile = Layout::kInfo.factors != PackedFactors::half_scales;

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

/// Rows whose scale is one that the tile takes.
[[gnu::always_inline]] inline __mmask16 taken_rows(__m512 scale, __mmask16 nonzero) {
  const __m512i magnitude = _mm512_and_si512(_mm512_castps_si512(scale), _mm512_set1_epi32(0x7fffffff));
  const __m512i exponent = _mm512_srli_epi32(magnitude, 23);
  const auto within =
      static_cast<unsigned>(_mm512_cmpge_epi32_mask(exponent, _mm512_set1_epi32(kWeightExponents.least)) &
                            _mm512_cmple_epi32_mask(exponent, _mm512_set1_epi32(kWeightExponents.most)));
  return static_cast<__mmask16>(within | ~static_cast<unsigned>(nonzero));
}

/// Returns whether the tile takes all scales. Rows whose scale is zero get codes of zero and another scale,
/// since what is added to exponents would make it another number or none.
template <class Layout>
[[gnu::always_inline]] inline bool unpack_block(const std::uint8_t* record, int index, int group,
                                                TileBlock& out) {
  constexpr PackedFactors kFactors = Layout::kInfo.factors;
  WeightBlock weight;
  Layout::unpack(record, index, weight);
  const __mmask16 nonzero = _mm512_cmp_ps_mask(weight.scale[0], _mm512_setzero_ps(), _CMP_NEQ_UQ);
  for (int k = 0; k < 8; ++k)
    _mm512_store_si512(out.codes[k][group], _mm512_maskz_mov_epi32(nonzero, weight.codes[k]));
  fill_tables(_mm512_maskz_mov_ps(nonzero, weight.sum[0]),
              _mm512_mask_blend_ps(nonzero, _mm512_set1_ps(1.0f), weight.scale[0]), out.tables[group]);
  if constexpr (has_minima(kFactors)) _mm512_store_ps(out.minimum[group], weight.minimum);
  if constexpr (kFactors == PackedFactors::integer_scales_and_half_minima)
    _mm512_store_ps(out.half_minimum[group], weight.half_minimum);
  return taken_rows(weight.scale[0], nonzero) == 0xffff;
}

/// The fine columns' codes beside the others; `entry` of zeros says which they are.
[[gnu::always_inline]] inline void pick_fine(std::uint32_t entry, const TileBlock& block, std::int64_t index,
                                             PanelFine& fine) {
  if ((entry & kHasFine) == 0) return;
  fine.blocks |= 1u << index;
  for (int g = 0; g < kCodeGroups; ++g) {
    const auto* codes = reinterpret_cast<const __m512i*>(block.codes[0][g]);
    _mm512_store_si512(fine.codes[index][g], fine_pairs(codes, kCodeGroups, entry));
  }
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

[[gnu::always_inline]] inline __m512i table_line(const void* table, std::int64_t bytes) {
  return _mm512_load_si512(static_cast<const std::uint8_t*>(table) + bytes);
}

/// What a step does with one block for the first kCount tokens of a quad.
template <PackedFactors kFactors, int kCount>
struct TileStep {
  using Integers = __m512i[kCount][kCodeGroups];

  __m512 sums[kCount][kCodeGroups];

  [[gnu::always_inline]] void start(const TileBlock& block, const TokenQuad& quad, Integers& products) {
#pragma GCC unroll 4
    for (int t = 0; t < kCount; ++t)
#pragma GCC unroll 2
      for (int g = 0; g < kCodeGroups; ++g)
        products[t][g] = table_line(block.tables[g].starts, quad.start_bytes[t]);
  }

  [[gnu::always_inline]] void dot(const TileBlock& block, const TokenQuad& quad, int k, Integers& products) {
    __m512i weight[kCodeGroups];
    for (int g = 0; g < kCodeGroups; ++g) weight[g] = _mm512_load_si512(block.codes[k][g]);
#pragma GCC unroll 4
    for (int t = 0; t < kCount; ++t) {
      const __m512i four = _mm512_set1_epi32(vector::load_integer(quad.codes[t] + 4 * k));
      auto& product = products[t];
#pragma GCC unroll 2
      for (int g = 0; g < kCodeGroups; ++g) product[g] = _mm512_dpbusd_epi32(product[g], four, weight[g]);
    }
  }

  [[gnu::always_inline]] void add_fine(const PanelFine& weights, std::int64_t block, const FineQuad& fine,
                                       Integers& products) {
#pragma GCC unroll 2
    for (int g = 0; g < kCodeGroups; ++g) {
      const __m512i weight = _mm512_load_si512(weights.codes[block][g]);
#pragma GCC unroll 4
      for (int t = 0; t < kCount; ++t)
        products[t][g] = _mm512_dpwssd_epi32(products[t][g], _mm512_set1_epi32(fine.codes[t]), weight);
    }
  }

  [[gnu::always_inline]] void finish(const TileBlock& block, const TokenQuad& quad, int t, int g,
                                     const Integers& products) {
    const __m512i scale = _mm512_add_epi32(table_line(block.tables[g].scales, quad.scale_bytes[t]),
                                           _mm512_set1_epi32(quad.exponents[t]));
    sums[t][g] = _mm512_fmadd_ps(_mm512_castsi512_ps(scale), _mm512_cvtepi32_ps(products[t][g]), sums[t][g]);
    if constexpr (has_minima(kFactors))
      sums[t][g] =
          _mm512_fmadd_ps(_mm512_load_ps(block.minimum[g]), _mm512_set1_ps(quad.sums[t]), sums[t][g]);
    if constexpr (kFactors == PackedFactors::integer_scales_and_half_minima)
      sums[t][g] = _mm512_fmadd_ps(_mm512_load_ps(block.half_minimum[g]), _mm512_set1_ps(quad.half_sums[t]),
                                   sums[t][g]);
  }

  [[gnu::always_inline]] void finish_all(const TileBlock& block, const TokenQuad& quad,
                                         const Integers& products) {
#pragma GCC unroll 4
    for (int t = 0; t < kCount; ++t)
#pragma GCC unroll 2
      for (int g = 0; g < kCodeGroups; ++g) finish(block, quad, t, g, products);
  }
};

/// Adds `count` blocks to the sums of a quad's first kCount tokens; `quad` has the first block. The sums
/// start at zero if `first`, and go to `output`, where there is one, instead of back.
template <PackedFactors kFactors, int kCount>
[[gnu::noinline]] void add_blocks(const TileBlock* blocks, std::int64_t count, const TokenQuad* quad,
                                  const PanelFine& weights, const FineQuad* fine, TileSums* sums,
                                  const TileOutput* output, bool first) {
  TileStep<kFactors, kCount> step;
#pragma GCC unroll 4
  for (int t = 0; t < kCount; ++t)
#pragma GCC unroll 2
    for (int g = 0; g < kCodeGroups; ++g)
      step.sums[t][g] = first ? _mm512_setzero_ps() : _mm512_load_ps(sums[t].values[g]);

  typename TileStep<kFactors, kCount>::Integers products;
  step.start(*blocks, *quad, products);
#pragma GCC unroll 8
  for (int k = 0; k < 8; ++k) step.dot(*blocks, *quad, k, products);
  if (weights.has(0)) step.add_fine(weights, 0, *fine, products);
  for (std::int64_t b = 1; b < count; ++b) {
    ++quad;
    typename TileStep<kFactors, kCount>::Integers next;
    step.start(blocks[b], *quad, next);
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k) {
      step.dot(blocks[b], *quad, k, next);
      if (k / kCodeGroups < kCount)
        step.finish(blocks[b - 1], quad[-1], k / kCodeGroups, k % kCodeGroups, products);
    }
    if (weights.has(b)) step.add_fine(weights, b, fine[b], next);
#pragma GCC unroll 4
    for (int t = 0; t < kCount; ++t)
#pragma GCC unroll 2
      for (int g = 0; g < kCodeGroups; ++g) products[t][g] = next[t][g];
  }
  step.finish_all(blocks[count - 1], *quad, products);
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

/// The quads' block that is a panel's first, of `tokens` tokens.
struct TileTokens {
  const TokenQuad* quads;
  const FineQuad* fine;          // likewise
  const std::uint32_t* entries;  // of zeros, from the same block on
  std::int64_t stride;           // from quad to quad: the row's blocks
  std::int64_t tokens;
};

/// The panel's blocks for all tokens. `output`: of the last panel, else null; `first`: of the first.
template <PackedFactors kFactors>
void add_panel(const TileBlock* blocks, std::int64_t count, const PanelFine& weights, const TileTokens& all,
               TileSums* sums, const TileOutput* output, bool first) {
  TileOutput place{};
  if (output != nullptr) place = *output;
  const TileOutput* const to = output == nullptr ? nullptr : &place;
  const TokenQuad* quad = all.quads;
  const FineQuad* fine = all.fine;
  std::int64_t left = all.tokens;
  for (; left >= kQuad; left -= kQuad, sums += kQuad, quad += all.stride, fine += all.stride) {
    add_blocks<kFactors, kQuad>(blocks, count, quad, weights, fine, sums, to, first);
    place.data += kQuad * place.stride;
  }
  if (left == 3) add_blocks<kFactors, 3>(blocks, count, quad, weights, fine, sums, to, first);
  if (left == 2) add_blocks<kFactors, 2>(blocks, count, quad, weights, fine, sums, to, first);
  if (left == 1) add_blocks<kFactors, 1>(blocks, count, quad, weights, fine, sums, to, first);
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
/// the second's follow `group_bytes` behind. False, and no outputs, where the tile does not take a scale.
template <class Layout>
bool multiply_tile(const std::uint8_t* record, std::int64_t group_bytes, std::int64_t records,
                   TileTokens tokens, TileSums* sums, const TileOutput& output) {
  constexpr PackedFactors kFactors = Layout::kInfo.factors;
  constexpr std::int64_t kRecordBlocks = vector::kRecordBlocks<Layout>;
  TileBlock panel[kPanelBlocks];
  PanelFine weights;
  const std::int64_t blocks = records * kRecordBlocks;
  const std::int64_t panels = (blocks + kPanelBlocks - 1) / kPanelBlocks;
  for (std::int64_t p = 0; p < panels; ++p) {
    const std::int64_t begin = blocks * p / panels;  // panels of about equal size
    const std::int64_t count = blocks * (p + 1) / panels - begin;
    bool taken = true;
    weights.blocks = 0;
    for (std::int64_t b = 0; b < count; ++b) {
      const std::int64_t block = begin + b;
      const std::uint8_t* source = record + block / kRecordBlocks * Layout::kInfo.record_bytes;
      for (int g = 0; g < kCodeGroups; ++g)
        taken = unpack_block<Layout>(source + g * group_bytes, static_cast<int>(block % kRecordBlocks), g,
                                     panel[b]) &&
                taken;
      pick_fine(tokens.entries[b], panel[b], b, weights);
    }
    if (!taken) return false;
    fetch_panel<Layout>(record, group_bytes, begin + count, blocks);
    add_panel<kFactors>(panel, count, weights, tokens, sums, p + 1 == panels ? &output : nullptr, p == 0);
    tokens.quads += count;
    tokens.fine += count;
    tokens.entries += count;
  }
  return true;
}

}  // namespace
}  // namespace lathe::avx512
