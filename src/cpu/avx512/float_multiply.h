// Groups of float weights, rows in lanes, times float32 rows: register tiles of some tokens x some 16-row
// groups. The arithmetic is in portable/linear.cc.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "cpu/matmul_shape.h"

namespace lathe::avx512 {
namespace {

constexpr std::int64_t kBlockColumns = 32;
constexpr int kTileTokens = 8;
constexpr int kTileGroups = 3;

struct Tile {
  const float* inputs;          // [kTokens][columns]
  const std::uint8_t* weights;  // [kGroups][group_bytes]
  float* output;                // [kTokens][rows_stride]
  std::int64_t columns;
  std::int64_t group_bytes;
  std::int64_t rows_stride;
  std::int64_t rows;  // that are left from the tile's first one
};

// Layouts, two columns at a time: load<0>() is the first one's 16 rows, load<1>() the second one's.

struct PackedF32 {
  static constexpr PackedLayoutInfo kInfo = kPackedF32;
  template <int kSecond>
  [[gnu::always_inline]] static __m512 load(const std::uint8_t* pair) {
    return _mm512_loadu_ps(pair + kSecond * 64);
  }
};

struct PackedBf16 {
  static constexpr PackedLayoutInfo kInfo = kPackedBf16;
  template <int kSecond>
  [[gnu::always_inline]] static __m512 load(const std::uint8_t* pair) {
    const __m512i both = _mm512_loadu_si512(pair);
    return _mm512_castsi512_ps(kSecond != 0 ? _mm512_and_si512(both, _mm512_set1_epi32(-0x10000))
                                            : _mm512_slli_epi32(both, 16));
  }
};

struct PackedF16 {
  static constexpr PackedLayoutInfo kInfo = kPackedF16;
  template <int kSecond>
  [[gnu::always_inline]] static __m512 load(const std::uint8_t* pair) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(pair + kSecond * 32)));
  }
};

template <class Layout>
inline constexpr std::int64_t kPairBytes = Layout::kInfo.record_bytes * 2 / Layout::kInfo.columns_per_record;

/// The block's sums fill the registers; `acc` is in memory.
template <class Layout, int kTokens, int kGroups>
void multiply_tile(const Tile& tile) {
  constexpr std::int64_t kPrefetchBytes = 4096;
  __m512 acc[kTokens][kGroups];
  for (auto& row : acc)
    for (auto& vector : row) vector = _mm512_setzero_ps();
  const std::uint8_t* weights = tile.weights;
  for (std::int64_t begin = 0; begin < tile.columns; begin += kBlockColumns) {
    const std::int64_t end = begin + kBlockColumns < tile.columns ? begin + kBlockColumns : tile.columns;
    __m512 block[kTokens][kGroups];
    for (auto& row : block)
      for (auto& vector : row) vector = _mm512_setzero_ps();
    const auto add = [&](const __m512(&w)[kGroups], std::int64_t column) {
      for (int t = 0; t < kTokens; ++t) {
        const __m512 x = _mm512_set1_ps(tile.inputs[t * tile.columns + column]);
        for (int g = 0; g < kGroups; ++g) block[t][g] = _mm512_fmadd_ps(w[g], x, block[t][g]);
      }
    };
    __m512 w[kGroups];
    for (std::int64_t column = begin; column < end; column += 2, weights += kPairBytes<Layout>) {
      if constexpr (kTokens == 1)
        for (int g = 0; g < kGroups; ++g)
          __builtin_prefetch(weights + g * tile.group_bytes + kPrefetchBytes, 0, 2);
      for (int g = 0; g < kGroups; ++g) w[g] = Layout::template load<0>(weights + g * tile.group_bytes);
      add(w, column);
      if (column + 1 == end) break;
      for (int g = 0; g < kGroups; ++g) w[g] = Layout::template load<1>(weights + g * tile.group_bytes);
      add(w, column + 1);
    }
    for (int t = 0; t < kTokens; ++t)
      for (int g = 0; g < kGroups; ++g) acc[t][g] = _mm512_add_ps(acc[t][g], block[t][g]);
  }
  for (int g = 0; g < kGroups; ++g) {
    const std::int64_t rows = tile.rows - g * kPackedRows;
    const auto mask =
        rows >= kPackedRows ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1u << rows) - 1u);
    for (int t = 0; t < kTokens; ++t)
      _mm512_mask_storeu_ps(tile.output + t * tile.rows_stride + g * kPackedRows, mask, acc[t][g]);
  }
}

template <class Layout, int kGroups>
void multiply_groups(Tile tile, std::int64_t tokens) {
  constexpr void (*kTiles[])(const Tile&) = {
      multiply_tile<Layout, 1, kGroups>, multiply_tile<Layout, 2, kGroups>,
      multiply_tile<Layout, 3, kGroups>, multiply_tile<Layout, 4, kGroups>,
      multiply_tile<Layout, 5, kGroups>, multiply_tile<Layout, 6, kGroups>,
      multiply_tile<Layout, 7, kGroups>, multiply_tile<Layout, kTileTokens, kGroups>};
  for (; tokens > 0; tokens -= kTileTokens) {
    kTiles[(tokens < kTileTokens ? tokens : kTileTokens) - 1](tile);
    tile.inputs += kTileTokens * tile.columns;
    tile.output += kTileTokens * tile.rows_stride;
  }
}

/// All of `groups` for some tokens.
template <class Layout>
void multiply_float_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                          const Share& tokens) {
  const auto* inputs = static_cast<const float*>(call.inputs[0].data);
  const auto* weights = static_cast<const std::uint8_t*>(call.inputs[1].data);
  auto* output = static_cast<float*>(call.outputs[0].data);
  const std::int64_t group_bytes = packed_group_bytes(Layout::kInfo, shape.columns);
  for (std::int64_t group = groups.begin; group < groups.end; group += kTileGroups) {
    const std::int64_t first_row = group * kPackedRows;
    const Tile tile{inputs + tokens.begin * shape.columns,
                    weights + group * group_bytes,
                    output + tokens.begin * shape.rows + first_row,
                    shape.columns,
                    group_bytes,
                    shape.rows,
                    shape.rows - first_row};
    switch (groups.end - group) {
      case 1:
        multiply_groups<Layout, 1>(tile, tokens.end - tokens.begin);
        break;
      case 2:
        multiply_groups<Layout, 2>(tile, tokens.end - tokens.begin);
        break;
      default:
        multiply_groups<Layout, kTileGroups>(tile, tokens.end - tokens.begin);
    }
  }
}

}  // namespace
}  // namespace lathe::avx512
