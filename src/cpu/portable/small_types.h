// Elements of the types that only quantization computes with, beside the common ones: floats of 8 and 4 bits,
// and whole numbers of 4 and 2, each in a byte.
#pragma once

#include <algorithm>
#include <optional>

#include "cpu/portable/small_float.h"
#include "cpu/portable/typed.h"

namespace lathe::portable {

struct WholeRange {
  Dtype dtype;
  double least;
  double most;
};

/// The types that numbers are quantized to.
inline constexpr std::array kWholeRanges = {
    WholeRange{Dtype::i8, -128, 127}, WholeRange{Dtype::u8, 0, 255}, WholeRange{Dtype::i16, -32768, 32767},
    WholeRange{Dtype::u16, 0, 65535}, WholeRange{Dtype::i4, -8, 7},  WholeRange{Dtype::u4, 0, 15},
    WholeRange{Dtype::i2, -2, 1},     WholeRange{Dtype::u2, 0, 3},
};

inline const WholeRange* whole_range(std::int32_t dtype) {
  for (const auto& range : kWholeRanges)
    if (static_cast<std::int32_t>(range.dtype) == dtype) return &range;
  return nullptr;
}

struct SmallFloatRow {
  Dtype dtype;
  SmallFloat format;
};

inline constexpr std::array kSmallFloats = {
    SmallFloatRow{Dtype::f8e4m3fn, kE4m3fn}, SmallFloatRow{Dtype::f8e4m3fnuz, kE4m3fnuz},
    SmallFloatRow{Dtype::f8e5m2, kE5m2},     SmallFloatRow{Dtype::f8e5m2fnuz, kE5m2fnuz},
    SmallFloatRow{Dtype::f4e2m1, kE2m1},
};

inline const SmallFloat* small_float(std::int32_t dtype) {
  for (const auto& row : kSmallFloats)
    if (static_cast<std::int32_t>(row.dtype) == dtype) return &row.format;
  return nullptr;
}

/// An element of any type as a double.
inline double number_at(const TensorArg& tensor, std::int64_t index) {
  const auto dtype = static_cast<Dtype>(tensor.dtype);
  if (dtype == Dtype::i4 || dtype == Dtype::i2)
    return static_cast<double>(data_of<const std::int8_t>(tensor)[index]);
  if (dtype == Dtype::f8e8m0) return decode_e8m0(data_of<const std::uint8_t>(tensor)[index]);
  if (const SmallFloat* format = small_float(tensor.dtype))
    return decode_small(*format, data_of<const std::uint8_t>(tensor)[index]);
  return real_at(tensor, index);
}

/// Writes a whole number that the type holds.
inline void put_whole(const TensorArg& tensor, std::int64_t index, double value) {
  const auto dtype = static_cast<Dtype>(tensor.dtype);
  if (dtype == Dtype::i16)
    data_of<std::int16_t>(tensor)[index] = static_cast<std::int16_t>(value);
  else if (dtype == Dtype::u16)
    data_of<std::uint16_t>(tensor)[index] = static_cast<std::uint16_t>(value);
  else if (value < 0)
    data_of<std::int8_t>(tensor)[index] = static_cast<std::int8_t>(value);
  else
    data_of<std::uint8_t>(tensor)[index] = static_cast<std::uint8_t>(value);
}

/// The quotient or product in the precision of a float type; others: in double.
inline double in_precision(Dtype precision, double value) {
  if (precision == Dtype::f32) return static_cast<double>(static_cast<float>(value));
  if (precision == Dtype::f16) return static_cast<double>(rounded<Half>(static_cast<float>(value)));
  if (precision == Dtype::bf16) return static_cast<double>(rounded<Bfloat>(static_cast<float>(value)));
  return value;
}

/// To nearest, ties to even, within the type's range; a NaN is its least.
inline double quantized(const WholeRange& range, double value, double zero) {
  const double whole = std::nearbyint(value) + zero;
  return whole >= range.least ? std::min(whole, range.most) : range.least;
}

}  // namespace lathe::portable
