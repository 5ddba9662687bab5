// Groups of float32 weights, [group][column][16 rows], times float32 rows; the arithmetic is in linear.cc.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "cpu/matmul_shape.h"

namespace lathe::portable {

inline constexpr std::int64_t kFloatBlockColumns = 32;

/// The 16 outputs of one group for one token. `weights` is [columns][16].
inline void multiply_group(const float* x, const float* weights, std::int64_t columns,
                           float sums[kPackedRows]) {
  std::fill_n(sums, kPackedRows, 0.0f);
  for (std::int64_t begin = 0; begin < columns; begin += kFloatBlockColumns) {
    float block[kPackedRows] = {};
    for (std::int64_t column = begin; column < std::min(begin + kFloatBlockColumns, columns); ++column) {
      const float* w = weights + column * kPackedRows;
      for (int row = 0; row < kPackedRows; ++row) block[row] = std::fma(w[row], x[column], block[row]);
    }
    for (int row = 0; row < kPackedRows; ++row) sums[row] += block[row];
  }
}

/// All of `groups` for some tokens.
inline void multiply_float_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                                 const Share& tokens) {
  const auto* inputs = static_cast<const float*>(call.inputs[0].data);
  const auto* weights = static_cast<const float*>(call.inputs[1].data);
  auto* output = static_cast<float*>(call.outputs[0].data);  // [tokens, rows]
  for (std::int64_t group = groups.begin; group < groups.end; ++group) {
    const std::int64_t first_row = group * kPackedRows;
    for (std::int64_t token = tokens.begin; token < tokens.end; ++token) {
      float sums[kPackedRows];
      multiply_group(inputs + token * shape.columns, weights + first_row * shape.columns, shape.columns,
                     sums);
      std::copy_n(sums, std::min<std::int64_t>(kPackedRows, shape.rows - first_row),
                  output + token * shape.rows + first_row);
    }
  }
}

}  // namespace lathe::portable
