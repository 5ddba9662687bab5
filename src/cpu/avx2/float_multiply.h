// Groups of float32 weights, rows in lanes, times float32 rows: register tiles of up to 6 tokens x one 16-row
// group. The arithmetic is in portable/linear.cc.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "cpu/avx2/lane_mask.h"
#include "cpu/matmul_shape.h"

namespace lathe::avx2 {
namespace {

constexpr std::int64_t kBlockColumns = 32;
constexpr int kTileTokens = 6;

struct Tile {
  const float* inputs;   // [kTokens][columns]
  const float* weights;  // [columns][16]
  float* output;         // [kTokens][rows_stride]
  std::int64_t columns;
  std::int64_t rows_stride;
  std::int64_t rows;  // that are left from the tile's first one
};

template <int kTokens>
void multiply_tile(const Tile& tile) {
  __m256 acc[kTokens][2];  // in memory: the block's sums fill the registers
  for (auto& row : acc) row[0] = row[1] = _mm256_setzero_ps();
  const float* weights = tile.weights;
  for (std::int64_t begin = 0; begin < tile.columns; begin += kBlockColumns) {
    const std::int64_t end = begin + kBlockColumns < tile.columns ? begin + kBlockColumns : tile.columns;
    __m256 block[kTokens][2];
    for (auto& row : block) row[0] = row[1] = _mm256_setzero_ps();
    for (std::int64_t column = begin; column < end; ++column, weights += kPackedRows) {
      const __m256 low = _mm256_loadu_ps(weights);
      const __m256 high = _mm256_loadu_ps(weights + 8);
      for (int t = 0; t < kTokens; ++t) {
        const __m256 x = _mm256_broadcast_ss(tile.inputs + t * tile.columns + column);
        block[t][0] = _mm256_fmadd_ps(low, x, block[t][0]);
        block[t][1] = _mm256_fmadd_ps(high, x, block[t][1]);
      }
    }
    for (int t = 0; t < kTokens; ++t)
      for (int half = 0; half < 2; ++half) acc[t][half] = _mm256_add_ps(acc[t][half], block[t][half]);
  }
  for (int t = 0; t < kTokens; ++t)
    for (int half = 0; half < 2; ++half)
      _mm256_maskstore_ps(tile.output + t * tile.rows_stride + 8 * half, lane_mask(tile.rows - 8 * half),
                          acc[t][half]);
}

/// All of `groups` for some tokens.
inline void multiply_float_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                                 const Share& tokens) {
  constexpr void (*kTiles[])(const Tile&) = {multiply_tile<1>, multiply_tile<2>, multiply_tile<3>,
                                             multiply_tile<4>, multiply_tile<5>, multiply_tile<kTileTokens>};
  const auto* inputs = static_cast<const float*>(call.inputs[0].data);
  const auto* weights = static_cast<const float*>(call.inputs[1].data);
  auto* output = static_cast<float*>(call.outputs[0].data);
  for (std::int64_t group = groups.begin; group < groups.end; ++group) {
    const std::int64_t first_row = group * kPackedRows;
    for (std::int64_t token = tokens.begin; token < tokens.end; token += kTileTokens) {
      const std::int64_t left = tokens.end - token;
      const Tile tile{inputs + token * shape.columns,
                      weights + first_row * shape.columns,
                      output + token * shape.rows + first_row,
                      shape.columns,
                      shape.rows,
                      shape.rows - first_row};
      kTiles[(left < kTileTokens ? left : kTileTokens) - 1](tile);
    }
  }
}

}  // namespace
}  // namespace lathe::avx2
