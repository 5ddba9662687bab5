// Groups of float32 weights, rows in lanes, times float32 rows: register tiles of some tokens x some 16-row
// groups. The arithmetic is in portable/linear.cc.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "cpu/matmul_shape.h"

namespace lathe::avx512 {
namespace {

constexpr std::int64_t kBlockColumns = 32;
constexpr int kTileTokens = 4;
constexpr int kTileGroups = 3;

struct Tile {
  const float* inputs;   // [kTokens][columns]
  const float* weights;  // [kGroups][columns][16]
  float* output;         // [kTokens][rows_stride]
  std::int64_t columns;
  std::int64_t rows_stride;
  std::int64_t rows;  // that are left from the tile's first one
};

template <int kTokens, int kGroups>
void multiply_tile(const Tile& tile) {
  __m512 acc[kTokens][kGroups];
  for (auto& row : acc)
    for (auto& vector : row) vector = _mm512_setzero_ps();
  const float* weights = tile.weights;
  for (std::int64_t begin = 0; begin < tile.columns; begin += kBlockColumns) {
    const std::int64_t end = begin + kBlockColumns < tile.columns ? begin + kBlockColumns : tile.columns;
    __m512 block[kTokens][kGroups];
    for (auto& row : block)
      for (auto& vector : row) vector = _mm512_setzero_ps();
    for (std::int64_t column = begin; column < end; ++column, weights += kPackedRows) {
      __m512 w[kGroups];
      for (int g = 0; g < kGroups; ++g) w[g] = _mm512_loadu_ps(weights + g * tile.columns * kPackedRows);
      for (int t = 0; t < kTokens; ++t) {
        const __m512 x = _mm512_set1_ps(tile.inputs[t * tile.columns + column]);
        for (int g = 0; g < kGroups; ++g) block[t][g] = _mm512_fmadd_ps(w[g], x, block[t][g]);
      }
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

template <int kGroups>
void multiply_groups(Tile tile, std::int64_t tokens) {
  for (; tokens >= kTileTokens; tokens -= kTileTokens) {
    multiply_tile<kTileTokens, kGroups>(tile);
    tile.inputs += kTileTokens * tile.columns;
    tile.output += kTileTokens * tile.rows_stride;
  }
  if (tokens == 3) multiply_tile<3, kGroups>(tile);
  if (tokens == 2) multiply_tile<2, kGroups>(tile);
  if (tokens == 1) multiply_tile<1, kGroups>(tile);
}

/// All of `groups` for some tokens.
inline void multiply_float_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                                 const Share& tokens) {
  const auto* inputs = static_cast<const float*>(call.inputs[0].data);
  const auto* weights = static_cast<const float*>(call.inputs[1].data);
  auto* output = static_cast<float*>(call.outputs[0].data);
  for (std::int64_t group = groups.begin; group < groups.end; group += kTileGroups) {
    const std::int64_t first_row = group * kPackedRows;
    const Tile tile{inputs + tokens.begin * shape.columns,
                    weights + first_row * shape.columns,
                    output + tokens.begin * shape.rows + first_row,
                    shape.columns,
                    shape.rows,
                    shape.rows - first_row};
    switch (groups.end - group) {
      case 1:
        multiply_groups<1>(tile, tokens.end - tokens.begin);
        break;
      case 2:
        multiply_groups<2>(tile, tokens.end - tokens.begin);
        break;
      default:
        multiply_groups<kTileGroups>(tile, tokens.end - tokens.begin);
    }
  }
}

}  // namespace
}  // namespace lathe::avx512
