// Packed weight layouts: what the matmul kernels read. Plain data, so that ISA files may include it.
//
// A matrix [rows, columns] is cut into groups of 16 rows (the last one padded with zero codes and factors).
// A group is one contiguous stream of records, one per 32 columns (256 in the k layouts), in ascending
// columns. Inside a record rows are lanes: factor arrays have 16 entries, and codes are interleaved for 4-way
// int8 dot products, [column / 4][16 rows][4 columns], so that 64 bytes hold 4 columns of 16 rows.
//
//   packed4    288 B   256 B codes | 16 f16 scales
//                      value = scale * (code - 8)
//   packed4m   320 B   256 B codes | 16 f16 scales | 16 f16 minima
//                      value = scale * code + minimum
//   packed5    352 B   256 B codes | 64 B high bits | 16 f16 scales
//                      value = scale * (code - 16)
//   packed5m   384 B   256 B codes | 64 B high bits | 16 f16 scales | 16 f16 minima
//                      value = scale * code + minimum
//   packed8    544 B   512 B codes | 16 f16 scales
//                      value = scale * code, code signed
//   packed4t   288 B   256 B codes | 16 f16 scales
//                      value = scale * kIq4Values[code]
//   packed4x   272 B   256 B codes | 16 u8 exponents
//                      value = 2^(exponent - 128) * kE2m1Doubled[code]
//   packed4tk 2208 B   16 f16 d | 8 x 16 i8 scales | 8 x 256 B codes
//                      value = (d * scale) * kIq4Values[code]
//   packed2k  1344 B   16 f16 d | 16 f16 dmin | 16 x 16 B (per 16 columns, scale in the low half and
//                      minimum in the high half) | 8 x 128 B codes
//                      value = (d * scale) * code - (dmin * minimum)
//   packed3k  1824 B   16 f16 d | 16 x 16 u8 scales (per 16 columns) | 8 x 128 B lower bits |
//                      8 x 64 B high bits
//                      value = (d * (scale - 32)) * (code - 4)
//   packed4k  2368 B   16 f16 d | 16 f16 dmin | 8 x 16 u8 scales | 8 x 16 u8 minima | 8 x 256 B codes
//                      value = (d * scale) * code - (dmin * minimum)
//   packed5k  2880 B   the same as packed4k, then 8 x 64 B high bits
//   packed6k  3360 B   16 f16 d | 16 x 16 i8 scales (per 16 columns) | 8 x 256 B low nibbles |
//                      8 x 128 B high bits
//                      value = (d * scale) * (code - 32)
//
// Nibbles: byte b of the 256 holds, in its low half, byte b of the first 256 interleaved codes (columns 0
// to 15) and in its high half byte b of the second 256 (columns 16 to 31).
// High bits of 3-bit and 5-bit codes: 512 bits in 64 bytes; bit i (byte i / 8, bit i % 8) belongs to
// interleaved code i.
//
// 2-bit codes, lower bits of 3-bit and high bits of 6-bit codes: 128 bytes; byte b holds 2 bits each for the
// interleaved codes b, b + 128, b + 256 and b + 384, lowest first.
//
// Floats have no factors:
//   packed_f32   64 B   a column: 16 f32
//   packed_bf16  64 B   two columns: [16 rows][2] bf16, as bf16 dot products take them; of an odd number of
//                       columns the last one has a column of zeros beside it
//   packed_f16   32 B   a column: 16 f16
#pragma once

#include <cstdint>

namespace lathe {

inline constexpr int kPackedRows = 16;

/// The factors that the int8 kernels apply to a block of 32 columns (cpu/portable/quantized_linear.cc).
enum class PackedFactors : std::uint8_t {
  scale,
  scale_and_minimum,
  half_scales,                     // a scale for each 16 columns
  integer_scales,                  // an integer scale for each 16 columns, which multiplies their codes
  integer_scales_and_half_minima,  // and a minimum for each 16 columns
};

static constexpr bool has_minima(PackedFactors factors) {
  return factors == PackedFactors::scale_and_minimum ||
         factors == PackedFactors::integer_scales_and_half_minima;
}

static constexpr bool has_integer_scales(PackedFactors factors) {
  return factors == PackedFactors::integer_scales || factors == PackedFactors::integer_scales_and_half_minima;
}

struct PackedLayoutInfo {
  std::int32_t columns_per_record;
  std::int32_t record_bytes;
  PackedFactors factors;
};

inline constexpr PackedLayoutInfo kPacked4{32, 288, PackedFactors::scale};
inline constexpr PackedLayoutInfo kPacked4m{32, 320, PackedFactors::scale_and_minimum};
inline constexpr PackedLayoutInfo kPacked5{32, 352, PackedFactors::scale};
inline constexpr PackedLayoutInfo kPacked5m{32, 384, PackedFactors::scale_and_minimum};
inline constexpr PackedLayoutInfo kPacked8{32, 544, PackedFactors::scale};
inline constexpr PackedLayoutInfo kPacked4t{32, 288, PackedFactors::scale};
inline constexpr PackedLayoutInfo kPacked4x{32, 272, PackedFactors::scale};
inline constexpr PackedLayoutInfo kPacked4tk{256, 2208, PackedFactors::scale};
inline constexpr PackedLayoutInfo kPacked2k{256, 1344, PackedFactors::integer_scales_and_half_minima};
inline constexpr PackedLayoutInfo kPacked3k{256, 1824, PackedFactors::integer_scales};
inline constexpr PackedLayoutInfo kPacked4k{256, 2368, PackedFactors::scale_and_minimum};
inline constexpr PackedLayoutInfo kPacked5k{256, 2880, PackedFactors::scale_and_minimum};
inline constexpr PackedLayoutInfo kPacked6k{256, 3360, PackedFactors::half_scales};
inline constexpr PackedLayoutInfo kPackedF32{1, 64, PackedFactors::scale};
inline constexpr PackedLayoutInfo kPackedBf16{2, 64, PackedFactors::scale};
inline constexpr PackedLayoutInfo kPackedF16{1, 32, PackedFactors::scale};

/// Of 16 rows. Only packed_bf16 has records that are not full.
static constexpr std::int64_t packed_group_bytes(const PackedLayoutInfo& layout, std::int64_t columns) {
  return (columns + layout.columns_per_record - 1) / layout.columns_per_record * layout.record_bytes;
}

/// What the codes of packed4t and packed4tk stand for: levels chosen for weights that are normally
/// distributed.
static constexpr std::int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};
/// Twice the numbers of E2M1 (packed4x).
static constexpr std::int8_t kE2m1Doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

}  // namespace lathe
