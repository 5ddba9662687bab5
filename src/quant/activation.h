// Activations as 8-bit codes (Dtype::a8): what the int8 matmuls read.
// Plain data, so that ISA files may include it.
//
// Per row of `columns` values (a multiple of 32), one record, blocks of 32 in ascending order:
//   columns bytes  codes u, unsigned 0 to 255
//   columns/32 f32 scales     s, with five significant bits (1.xxxx times a power of two)
//   columns/32 i32 zeros      bits 0 to 7 z, the code of 0: a multiple of 16, 0 to 240; then the block's fine
//                             columns: bit 8 whether it has any, bits 9 to 13 the first, 14 to 18 the second
//   columns/32 f32 sums       s * (sum of (u - z) and of v), exact
//   columns/32 f32 half sums  the same of the block's first 16 columns: for layouts that have a minimum per
//                             16 columns
//   columns/32 i32 fine codes two 16-bit numbers v, signed, of the block's fine columns
// A value is about s * (u - z), u = round to nearest even of value / s + z, held to 0..255. z is one of the
// two multiples of 16 around the place of 0 between the block's smallest and largest value (0 itself counts
// as one): the one with the lesser scale, which is the least with five bits that holds both ends to half a
// step. A block whose values span less than 2^-90, with 0, has s = z = 0 and codes 0; one that holds a NaN or
// spans more than a float holds has s and sums NaN, z = 0 and codes 0, so that every product with it is NaN.
//
// Fine columns, up to two of a block and the same ones in every row of a tensor, are those whose values are
// so great that the others' codes would be too coarse. They do not count for the range that the block's scale
// holds, their code u is z, and their value is about s * v, v = round to nearest even of value / s. The
// scale is at least what holds v to kFineSteps: sums of products with weights of 8 bits are then below 2^24.
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

/// Fine columns of a block, and the largest of their codes.
inline constexpr int kFineColumns = 2;
inline constexpr float kFineSteps = 30000;

/// Parts of a zeros entry. A block with one fine column has it as the second, too, with a code of 0.
inline constexpr std::uint32_t kZeroMask = 0xff;
inline constexpr std::uint32_t kHasFine = 1u << 8;
inline constexpr int kFineShifts[kFineColumns] = {9, 14};

/// Arrays of four bytes a block behind the codes.
inline constexpr int kActivationFactors = 5;

/// 2^-90: scales are normal numbers, and so are their inverses.
inline constexpr float kLeastRange = 0x1p-90f;

}  // namespace lathe
