// Activations as 8-bit codes (Dtype::a8): what the int8 matmuls read.
// Plain data, so that ISA files may include it.
//
// Per row of `columns` values (a multiple of 32), one record, blocks of 32 in ascending order:
//   columns bytes  codes, unsigned 0 to 255
//   columns/32 f32 scales     s = (max - min) / 255, 0 where all values are equal
//   columns/32 f32 minima     m = the smallest value
//   columns/32 f32 sums       32 * m + s * (sum of the codes), by one fused multiply-add: fma(s, sum, 32 * m)
//   columns/32 f32 half sums  the same of the block's first 16 columns, fma(s, sum, 16 * m): for layouts
//                             that have a minimum per 16 columns
// code = round to nearest even of (value - m) * (1 / s), held to 0..255; value is about m + s * code.
// The offset m costs one product per weight block and more than halves the error of symmetric codes.
#pragma once

#include <cstdint>

namespace lathe {

inline constexpr int kActivationBlock = 32;

struct ActivationRow {
  const std::uint8_t* codes;
  const float* scales;
  const float* minima;
  const float* sums;
  const float* half_sums;
};

}  // namespace lathe
