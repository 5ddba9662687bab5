// Floats of 8 and 4 bits, one to a byte: sign 1 | exponent | mantissa, and FLOAT8E8M0, an exponent alone.
//   e4m3fn:   no infinities, all ones is NaN       e5m2: as the larger floats
//   *fnuz:    no infinities, no -0: its pattern is NaN
//   e2m1:     no infinities, no NaN
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace lathe::portable {

enum class SmallSpecials : std::uint8_t { all_ones_nan, infinities, minus_zero_nan, none };

struct SmallFloat {
  int exponent_bits;
  int mantissa_bits;
  int bias;
  SmallSpecials specials;

  constexpr int sign_bit() const { return 1 << (exponent_bits + mantissa_bits); }
  constexpr int infinity_code() const { return ((1 << exponent_bits) - 1) << mantissa_bits; }
  constexpr int greatest_code() const {
    if (specials == SmallSpecials::infinities) return infinity_code() - 1;
    return specials == SmallSpecials::all_ones_nan ? sign_bit() - 2 : sign_bit() - 1;
  }
};

inline constexpr SmallFloat kE4m3fn{4, 3, 7, SmallSpecials::all_ones_nan};
inline constexpr SmallFloat kE4m3fnuz{4, 3, 8, SmallSpecials::minus_zero_nan};
inline constexpr SmallFloat kE5m2{5, 2, 15, SmallSpecials::infinities};
inline constexpr SmallFloat kE5m2fnuz{5, 2, 16, SmallSpecials::minus_zero_nan};
inline constexpr SmallFloat kE2m1{2, 1, 1, SmallSpecials::none};

inline double decode_small(const SmallFloat& format, std::uint8_t byte) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const int code = byte & (2 * format.sign_bit() - 1);
  const int magnitude = code & (format.sign_bit() - 1);
  const bool negative = (code & format.sign_bit()) != 0;
  if (format.specials == SmallSpecials::minus_zero_nan && code == format.sign_bit()) return kNan;
  if (format.specials == SmallSpecials::infinities && magnitude == format.infinity_code())
    return negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  if (magnitude > format.greatest_code()) return kNan;
  const int exponent = magnitude >> format.mantissa_bits;
  const int mantissa = magnitude & ((1 << format.mantissa_bits) - 1);
  const int whole = exponent == 0 ? mantissa : mantissa + (1 << format.mantissa_bits);
  const double value = std::ldexp(whole, (exponent == 0 ? 1 : exponent) - format.bias - format.mantissa_bits);
  return negative ? -value : value;
}

/// To nearest, ties to even. Beyond the greatest: that one where it saturates or the format has no other;
/// else infinity or NaN.
inline std::uint8_t encode_small(const SmallFloat& format, double value, bool saturates) {
  const int sign = std::signbit(value) ? format.sign_bit() : 0;
  int nan_code = format.sign_bit() - 1 + sign;
  if (format.specials == SmallSpecials::minus_zero_nan) nan_code = format.sign_bit();
  if (format.specials == SmallSpecials::none) nan_code = format.sign_bit();  // -0: there is no NaN
  if (std::isnan(value)) return static_cast<std::uint8_t>(nan_code);
  const bool clamps = saturates || format.specials == SmallSpecials::none;
  const int beyond = format.specials == SmallSpecials::infinities ? format.infinity_code() + sign : nan_code;
  const int overflow = clamps ? format.greatest_code() + sign : beyond;
  const double magnitude = std::fabs(value);
  if (std::isinf(magnitude)) return static_cast<std::uint8_t>(overflow);
  const int least = 1 - format.bias;
  const int exponent = magnitude == 0 ? least : std::max(std::ilogb(magnitude), least);
  if (exponent > 128) return static_cast<std::uint8_t>(overflow);
  const auto whole = static_cast<int>(std::nearbyint(std::ldexp(magnitude, format.mantissa_bits - exponent)));
  // The leading one of a normal number adds to the exponent field, and so does a mantissa rounded up.
  const int code = ((exponent - least) << format.mantissa_bits) + whole;
  if (code > format.greatest_code()) return static_cast<std::uint8_t>(overflow);
  if (code == 0 && format.specials == SmallSpecials::minus_zero_nan) return 0;
  return static_cast<std::uint8_t>(code + sign);
}

inline constexpr std::uint8_t kE8m0Nan = 255;

inline double decode_e8m0(std::uint8_t code) {
  return code == kE8m0Nan ? std::numeric_limits<double>::quiet_NaN() : std::ldexp(1.0, code - 127);
}

enum class PowerRounding : std::uint8_t { up, down, nearest };

/// Of the magnitude: there is no sign, and no zero. Outside the range: its end where it saturates, else NaN.
inline std::uint8_t encode_e8m0(double value, bool saturates, PowerRounding rounding) {
  if (std::isnan(value)) return kE8m0Nan;
  const double magnitude = std::fabs(value);
  if (magnitude < 0x1p-127) return saturates ? 0 : kE8m0Nan;
  constexpr int kMost = 127;
  if (std::isinf(magnitude)) return saturates ? 2 * kMost : kE8m0Nan;
  int exponent = std::ilogb(magnitude);
  const double fraction = std::ldexp(magnitude, -exponent);
  if (rounding == PowerRounding::up && fraction > 1) ++exponent;
  if (rounding == PowerRounding::nearest && fraction >= 1.5) ++exponent;
  if (exponent > kMost) return saturates ? 2 * kMost : kE8m0Nan;
  return static_cast<std::uint8_t>(exponent + kMost);
}

}  // namespace lathe::portable
