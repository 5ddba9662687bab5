// Activations as 8-bit codes (Dtype::a8): what the int8 matmuls read.
// Plain data, so that ISA files may include it.
//
// Per row of `columns` values (a multiple of 32), one record, blocks of 32 in ascending order:
//   columns bytes  codes u, unsigned 0 to 255
//   columns/32 f32 scales     s, with five significant bits (1.xxxx times a power of two)
//   columns/32 i32 zeros      z, the code of 0: a multiple of 16, 0 to 240
//   columns/32 f32 sums       s * (sum of (u - z)), exact
//   columns/32 f32 half sums  the same of the block's first 16 columns: for layouts that have a minimum per
//                             16 columns
// A value is about s * (u - z), u = round to nearest even of value / s + z, held to 0..255. z is one of the
// two multiples of 16 around the place of 0 between the block's smallest and largest value (0 itself counts
// as one): the one with the lesser scale, which is the least with five bits that holds both ends to half a
// step. A block whose values span less than 2^-90, with 0, has s = z = 0 and codes 0; one that holds a NaN or
// spans more than a float holds has s and sums NaN, z = 0 and codes 0, so that every product with it is NaN.
//
// Few scales and few zeros, since then what a block of weights is multiplied with is one of a few vectors,
// which kernels for many tokens compute once (cpu/avx512/code_tile.h).
#pragma once

#include <cstdint>

namespace lathe {

inline constexpr int kActivationBlock = 32;

/// Zeros are multiples of kZeroStep below 256.
inline constexpr int kZeroStep = 16;
inline constexpr int kZeros = 256 / kZeroStep;

/// Mantissas of a scale: 1 + i / 16.
inline constexpr int kScaleMantissas = 16;
/// Bits of a float32 below those of the mantissa.
inline constexpr int kScaleLowBits = 19;

/// 2^-90: scales are normal numbers, and so are their inverses.
inline constexpr float kLeastRange = 0x1p-90f;

}  // namespace lathe
