// Reads the packed layouts (quant/packed.h) 32 columns at a time.
#pragma once

#include <cstdint>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/error.h"
#include "base/half.h"
#include "quant/e8m0.h"
#include "quant/packed.h"
#include "tensor/dtype.h"

namespace lathe::portable {

/// 32 columns of a 16-row group as integers and float32 factors: value = scale[column / 16][row] * code plus
/// what the minima say, the layout's bias being subtracted from the code and an integer scale multiplied into
/// it.
struct PackedBlock {
  std::int16_t codes[kPackedRows][32];
  float scale[2][kPackedRows];  // equal unless the layout has half scales
  float minimum[kPackedRows];   // written where the layout has minima; of columns 16 to 31 where it has two
  float half_minimum[kPackedRows];  // the minimum of columns 0 to 15 less that of columns 16 to 31
};

struct PackedLayout {
  Dtype dtype;
  PackedLayoutInfo info;
  /// Reads block `block` (0 to columns_per_record / 32 - 1) of a record.
  void (*unpack)(const std::uint8_t* record, int block, PackedBlock& out);
};

inline float read_half(const std::uint8_t* bytes) {
  std::uint16_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  return half_to_float(bits);
}

/// code_at(i) is interleaved code i, 0 to 511.
template <class CodeAt>
void unpack_codes(PackedBlock& out, CodeAt code_at) {
  for (int i = 0; i < 512; ++i)
    out.codes[i / 4 % kPackedRows][i / 64 * 4 + i % 4] = static_cast<std::int16_t>(code_at(i));
}

inline int nibble(const std::uint8_t* bytes, int i) { return i < 256 ? bytes[i] & 15 : bytes[i - 256] >> 4; }

inline int two_bits(const std::uint8_t* bytes, int i) { return bytes[i % 128] >> (i / 128 * 2) & 3; }

inline int high_bit(const std::uint8_t* bits, int i) { return bits[i / 8] >> (i % 8) & 1; }

inline void unpack_half_factors(const std::uint8_t* scales, const std::uint8_t* minima, PackedBlock& out) {
  for (int row = 0; row < kPackedRows; ++row) {
    out.scale[0][row] = out.scale[1][row] = read_half(scales + 2 * row);
    if (minima != nullptr) out.minimum[row] = read_half(minima + 2 * row);
  }
}

inline void unpack4(const std::uint8_t* record, int, PackedBlock& out) {
  unpack_codes(out, [&](int i) { return nibble(record, i) - 8; });
  unpack_half_factors(record + 256, nullptr, out);
}

inline void unpack4m(const std::uint8_t* record, int, PackedBlock& out) {
  unpack_codes(out, [&](int i) { return nibble(record, i); });
  unpack_half_factors(record + 256, record + 288, out);
}

inline void unpack5(const std::uint8_t* record, int, PackedBlock& out) {
  unpack_codes(out, [&](int i) { return (nibble(record, i) | high_bit(record + 256, i) << 4) - 16; });
  unpack_half_factors(record + 320, nullptr, out);
}

inline void unpack5m(const std::uint8_t* record, int, PackedBlock& out) {
  unpack_codes(out, [&](int i) { return nibble(record, i) | high_bit(record + 256, i) << 4; });
  unpack_half_factors(record + 320, record + 352, out);
}

inline void unpack8(const std::uint8_t* record, int, PackedBlock& out) {
  unpack_codes(out, [&](int i) { return static_cast<std::int8_t>(record[i]); });
  unpack_half_factors(record + 512, nullptr, out);
}

inline void unpack4t(const std::uint8_t* record, int, PackedBlock& out) {
  unpack_codes(out, [&](int i) { return kIq4Values[nibble(record, i)]; });
  unpack_half_factors(record + 256, nullptr, out);
}

inline void unpack4x(const std::uint8_t* record, int, PackedBlock& out) {
  unpack_codes(out, [&](int i) { return kE2m1Doubled[nibble(record, i)]; });
  for (int row = 0; row < kPackedRows; ++row)
    out.scale[0][row] = out.scale[1][row] = half_of_e8m0(record[256 + row]);
}

inline void unpack4tk(const std::uint8_t* record, int block, PackedBlock& out) {
  unpack_codes(out, [&](int i) { return kIq4Values[nibble(record + 160 + block * 256, i)]; });
  for (int row = 0; row < kPackedRows; ++row) {
    const auto scale = static_cast<std::int8_t>(record[32 + block * kPackedRows + row]);
    out.scale[0][row] = out.scale[1][row] = read_half(record + 2 * row) * static_cast<float>(scale);
  }
}

/// Of the sub-block of 16 columns that interleaved code i belongs to.
inline int sub_block_byte(const std::uint8_t* bytes, int block, int i) {
  return bytes[(block * 2 + i / 256) * kPackedRows + i / 4 % kPackedRows];
}

inline void unpack2k(const std::uint8_t* record, int block, PackedBlock& out) {
  const std::uint8_t* factors = record + 64;
  unpack_codes(out, [&](int i) {
    return (sub_block_byte(factors, block, i) & 15) * two_bits(record + 320 + block * 128, i);
  });
  for (int row = 0; row < kPackedRows; ++row) {
    const int low = factors[block * 2 * kPackedRows + row] >> 4;
    const int high = factors[(block * 2 + 1) * kPackedRows + row] >> 4;
    const float dmin = read_half(record + 32 + 2 * row);
    out.scale[0][row] = out.scale[1][row] = read_half(record + 2 * row);
    out.minimum[row] = -(dmin * static_cast<float>(high));
    out.half_minimum[row] = -(dmin * static_cast<float>(low - high));
  }
}

/// (scale - 32) * (code - 4) reaches 128; with the sign turned every product fits a signed byte.
inline void unpack3k(const std::uint8_t* record, int block, PackedBlock& out) {
  const std::uint8_t* lower = record + 288 + block * 128;
  const std::uint8_t* high = record + 1312 + block * 64;
  unpack_codes(out, [&](int i) {
    return (32 - sub_block_byte(record + 32, block, i)) * ((two_bits(lower, i) | high_bit(high, i) << 2) - 4);
  });
  for (int row = 0; row < kPackedRows; ++row)
    out.scale[0][row] = out.scale[1][row] = -read_half(record + 2 * row);
}

inline void unpack_k_factors(const std::uint8_t* record, int block, PackedBlock& out) {
  for (int row = 0; row < kPackedRows; ++row) {
    const int scale = record[64 + block * kPackedRows + row];
    const int minimum = record[192 + block * kPackedRows + row];
    out.scale[0][row] = out.scale[1][row] = read_half(record + 2 * row) * static_cast<float>(scale);
    out.minimum[row] = -(read_half(record + 32 + 2 * row) * static_cast<float>(minimum));
  }
}

inline void unpack4k(const std::uint8_t* record, int block, PackedBlock& out) {
  unpack_codes(out, [&](int i) { return nibble(record + 320 + block * 256, i); });
  unpack_k_factors(record, block, out);
}

inline void unpack5k(const std::uint8_t* record, int block, PackedBlock& out) {
  const std::uint8_t* low = record + 320 + block * 256;
  const std::uint8_t* high = record + 2368 + block * 64;
  unpack_codes(out, [&](int i) { return nibble(low, i) | high_bit(high, i) << 4; });
  unpack_k_factors(record, block, out);
}

inline void unpack6k(const std::uint8_t* record, int block, PackedBlock& out) {
  const std::uint8_t* low = record + 288 + block * 256;
  const std::uint8_t* high = record + 2336 + block * 128;
  unpack_codes(out, [&](int i) { return (nibble(low, i) | two_bits(high, i) << 4) - 32; });
  for (int half = 0; half < 2; ++half)
    for (int row = 0; row < kPackedRows; ++row) {
      const auto scale = static_cast<std::int8_t>(record[32 + (block * 2 + half) * kPackedRows + row]);
      out.scale[half][row] = read_half(record + 2 * row) * static_cast<float>(scale);
    }
}

inline constexpr PackedLayout kPackedLayouts[] = {
    {Dtype::packed4, kPacked4, unpack4},    {Dtype::packed4m, kPacked4m, unpack4m},
    {Dtype::packed5, kPacked5, unpack5},    {Dtype::packed5m, kPacked5m, unpack5m},
    {Dtype::packed8, kPacked8, unpack8},    {Dtype::packed4t, kPacked4t, unpack4t},
    {Dtype::packed4x, kPacked4x, unpack4x}, {Dtype::packed4tk, kPacked4tk, unpack4tk},
    {Dtype::packed2k, kPacked2k, unpack2k}, {Dtype::packed3k, kPacked3k, unpack3k},
    {Dtype::packed4k, kPacked4k, unpack4k}, {Dtype::packed5k, kPacked5k, unpack5k},
    {Dtype::packed6k, kPacked6k, unpack6k},
};

using PackedLayoutIndices = std::make_index_sequence<std::size(kPackedLayouts)>;

/// The row for one of the packed integer dtypes.
inline const PackedLayout& packed_layout(Dtype dtype) {
  const PackedLayout* found = nullptr;
  for (const auto& layout : kPackedLayouts)
    if (layout.dtype == dtype) found = &layout;
  CHECK(found != nullptr);
  return *found;
}

}  // namespace lathe::portable
