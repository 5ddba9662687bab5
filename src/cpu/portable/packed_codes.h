// Reads the packed layouts (quant/packed.h) 32 columns at a time.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/error.h"
#include "base/half.h"
#include "quant/packed.h"
#include "tensor/dtype.h"

namespace lathe::portable {

/// 32 columns of a 16-row group as integers and float32 factors:
/// value = scale[column / 16][row] * code + minimum[row], the layout's bias being subtracted from the code.
struct PackedBlock {
  std::int8_t codes[kPackedRows][32];
  float scale[2][kPackedRows];  // equal but in packed6k
  float minimum[kPackedRows];   // written where the layout has minima
};

struct PackedLayout {
  Dtype dtype;
  PackedLayoutInfo info;
  bool has_minima;
  bool has_half_scales;  // one scale per 16 columns
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
    out.codes[i / 4 % kPackedRows][i / 64 * 4 + i % 4] = static_cast<std::int8_t>(code_at(i));
}

inline int nibble(const std::uint8_t* bytes, int i) { return i < 256 ? bytes[i] & 15 : bytes[i - 256] >> 4; }

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
  unpack_codes(out, [&](int i) { return record[i]; });  // the byte's bits are the signed code's
  unpack_half_factors(record + 512, nullptr, out);
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
  unpack_codes(out, [&](int i) { return (nibble(low, i) | (high[i % 128] >> (i / 128 * 2) & 3) << 4) - 32; });
  for (int half = 0; half < 2; ++half)
    for (int row = 0; row < kPackedRows; ++row) {
      const auto scale = static_cast<std::int8_t>(record[32 + (block * 2 + half) * kPackedRows + row]);
      out.scale[half][row] = read_half(record + 2 * row) * static_cast<float>(scale);
    }
}

inline constexpr PackedLayout kPackedLayouts[] = {
    {Dtype::packed4, kPacked4, false, false, unpack4},   {Dtype::packed4m, kPacked4m, true, false, unpack4m},
    {Dtype::packed5, kPacked5, false, false, unpack5},   {Dtype::packed5m, kPacked5m, true, false, unpack5m},
    {Dtype::packed8, kPacked8, false, false, unpack8},   {Dtype::packed4k, kPacked4k, true, false, unpack4k},
    {Dtype::packed5k, kPacked5k, true, false, unpack5k}, {Dtype::packed6k, kPacked6k, false, true, unpack6k},
};

/// The row for one of the packed integer dtypes.
inline const PackedLayout& packed_layout(Dtype dtype) {
  const PackedLayout* found = nullptr;
  for (const auto& layout : kPackedLayouts)
    if (layout.dtype == dtype) found = &layout;
  CHECK(found != nullptr);
  return *found;
}

}  // namespace lathe::portable
