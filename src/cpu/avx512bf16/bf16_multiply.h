// Groups of bf16 weights, rows in lanes, times rows of bf16: register tiles of some tokens x some 16-row
// groups that keep their sums over all columns. The arithmetic is in portable/linear.cc.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "cpu/matmul_shape.h"

namespace lathe::avx512bf16 {
namespace {

constexpr int kTileTokens = 6;
constexpr int kTileGroups = 4;

struct Tile {
  const std::uint8_t* inputs;   // [kTokens][columns] bf16
  const std::uint8_t* weights;  // [kGroups][columns / 2][16][2] bf16
  float* output;                // [kTokens][rows_stride]
  std::int64_t columns;
  std::int64_t group_bytes;
  std::int64_t rows_stride;
  std::int64_t rows;  // that are left from the tile's first one
};

/// Two columns of a token, for all lanes.
[[gnu::always_inline]] inline __m512bh load_pair(const std::uint8_t* values) {
  int pair;
  __builtin_memcpy(&pair, values, sizeof pair);
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
}

/// The last one of an odd number of columns, and zero.
[[gnu::always_inline]] inline __m512bh load_single(const std::uint8_t* values) {
  std::uint16_t single;
  __builtin_memcpy(&single, values, sizeof single);
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(single));
}

/// One token waits for its weights: they are fetched from memory at full speed.
template <int kTokens, int kGroups>
void multiply_tile(const Tile& tile) {
  constexpr std::int64_t kPrefetchBytes = 4096;
  const std::int64_t row_bytes = tile.columns * 2;
  __m512 acc[kTokens][kGroups];
  for (auto& row : acc)
    for (auto& vector : row) vector = _mm512_setzero_ps();
  const auto add = [&](const std::uint8_t* weights, const std::uint8_t* inputs, auto load_input) {
    __m512bh w[kGroups];
    for (int g = 0; g < kGroups; ++g)
      w[g] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(weights + g * tile.group_bytes));
    for (int t = 0; t < kTokens; ++t) {
      const __m512bh x = load_input(inputs + t * row_bytes);
      for (int g = 0; g < kGroups; ++g) acc[t][g] = _mm512_dpbf16_ps(acc[t][g], w[g], x);
    }
  };
  const std::uint8_t* weights = tile.weights;
  const std::uint8_t* inputs = tile.inputs;
  for (std::int64_t pair = 0; pair < tile.columns / 2; ++pair, weights += 64, inputs += 4) {
    if constexpr (kTokens == 1)
      for (int g = 0; g < kGroups; ++g)
        __builtin_prefetch(weights + g * tile.group_bytes + kPrefetchBytes, 0, 2);
    add(weights, inputs, load_pair);
  }
  if (tile.columns % 2 != 0) add(weights, inputs, load_single);
  for (int g = 0; g < kGroups; ++g) {
    const std::int64_t rows = tile.rows - g * kPackedRows;
    const auto mask =
        rows >= kPackedRows ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1u << rows) - 1u);
    for (int t = 0; t < kTokens; ++t)
      _mm512_mask_storeu_ps(tile.output + t * tile.rows_stride + g * kPackedRows, mask, acc[t][g]);
  }
}

template <int kGroups>
void multiply_groups(Tile tile, std::int64_t tokens) {
  constexpr void (*kTiles[])(const Tile&) = {multiply_tile<1, kGroups>, multiply_tile<2, kGroups>,
                                             multiply_tile<3, kGroups>, multiply_tile<4, kGroups>,
                                             multiply_tile<5, kGroups>, multiply_tile<kTileTokens, kGroups>};
  for (; tokens > 0; tokens -= kTileTokens) {
    kTiles[(tokens < kTileTokens ? tokens : kTileTokens) - 1](tile);
    tile.inputs += kTileTokens * tile.columns * 2;
    tile.output += kTileTokens * tile.rows_stride;
  }
}

/// All of `groups` for some tokens.
inline void multiply_bf16_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                                const Share& tokens) {
  constexpr void (*kGroupCounts[])(Tile, std::int64_t) = {multiply_groups<1>, multiply_groups<2>,
                                                          multiply_groups<3>, multiply_groups<kTileGroups>};
  const std::int64_t group_bytes = packed_group_bytes(kPackedBf16, shape.columns);
  const auto* inputs =
      static_cast<const std::uint8_t*>(call.inputs[0].data) + tokens.begin * shape.columns * 2;
  const auto* weights = static_cast<const std::uint8_t*>(call.inputs[1].data);
  auto* output = static_cast<float*>(call.outputs[0].data) + tokens.begin * shape.rows;
  for (std::int64_t group = groups.begin; group < groups.end; group += kTileGroups) {
    const std::int64_t first_row = group * kPackedRows;
    const std::int64_t left = groups.end - group;
    kGroupCounts[(left < kTileGroups ? left : kTileGroups) - 1](
        {inputs, weights + group * group_bytes, output + first_row, shape.columns, group_bytes, shape.rows,
         shape.rows - first_row},
        tokens.end - tokens.begin);
  }
}

}  // namespace
}  // namespace lathe::avx512bf16
