// Number formats: what the bits of one number mean, and how numbers are rounded to them. Each format is one
// file (fp16.cc, ...) that draws its bits; the build finds the files (CMakeLists.txt).
//
// From the highest bit down: sign | exponent | mantissa. A float with exponent field e above 0 is
//   (-1)^sign * 1.mantissa * 2^(e - bias), with e = 0 it is (-1)^sign * 0.mantissa * 2^(1 - bias):
// zero and the subnormals. Without an exponent it is an integer in two's complement.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

namespace lathe {

enum class SpecialNumbers {
  none,              // every pattern is a number
  nan,               // all bits but the sign set is NaN; there are no infinities
  infinity_and_nan,  // the highest exponent: infinity where the mantissa is 0, otherwise NaN
};

struct NumberFormat {
  std::string_view name;
  std::array<std::string_view, 2> aliases;  // empty where there is none
  int sign_bits;                            // 0 or 1
  int exponent_bits;                        // 0 in integers
  int mantissa_bits;                        // at most 52
  int bias = 0;
  SpecialNumbers specials = SpecialNumbers::none;
  bool zero_exponent = true;  // field 0 is zero and the subnormals; false: an exponent like any other

  constexpr int bits() const { return sign_bits + exponent_bits + mantissa_bits; }
  constexpr bool integer() const { return exponent_bits == 0; }
  constexpr std::uint32_t mantissa_mask() const { return (std::uint32_t{1} << mantissa_bits) - 1; }
  constexpr std::uint32_t exponent_mask() const { return (std::uint32_t{1} << exponent_bits) - 1; }
  constexpr std::uint32_t sign_mask() const {
    return sign_bits == 0 ? 0 : std::uint32_t{1} << (exponent_bits + mantissa_bits);
  }
  /// The power of two that the leading bit of the smallest normal number stands for.
  constexpr int least_exponent() const { return (zero_exponent ? 1 : 0) - bias; }
  /// All bits but the sign set.
  constexpr std::uint32_t magnitude_mask() const {
    return exponent_mask() << mantissa_bits | mantissa_mask();
  }
  /// The pattern of the largest finite number.
  constexpr std::uint32_t largest_bits() const {
    if (specials == SpecialNumbers::infinity_and_nan) return infinity_bits() - 1;
    return specials == SpecialNumbers::nan ? magnitude_mask() - 1 : magnitude_mask();
  }
  /// Only where the format has infinities.
  constexpr std::uint32_t infinity_bits() const { return exponent_mask() << mantissa_bits; }
};

enum class NumberClass { zero, subnormal, normal, infinity, nan };

/// What became of a number's magnitude.
enum class Rounding {
  exact,
  down,       // less than half of the last place was cut off
  up,         // more than half
  tie_down,   // exactly half: to the even neighbour
  tie_up,     // exactly half: to the even neighbour
  overflow,   // beyond the largest number
  underflow,  // a format without zero: up to its smallest number
};

struct EncodedNumber {
  std::optional<std::uint32_t> bits;  // nothing where the format has no pattern for a NaN
  Rounding rounding = Rounding::exact;
  int exponent = 0;        // of the field that the number falls into before rounding, or of the subnormals
  std::uint64_t kept = 0;  // the magnitude in units of the last place of that exponent, before rounding
};

/// Rounds to nearest, ties to even. What is beyond the largest number, or would round to what is, becomes
/// infinity where the format has it, otherwise NaN, otherwise the largest number (an integer: the end of its
/// range). NaN becomes the quiet one without payload. In floats without a sign zero and what is negative are
/// NaN.
EncodedNumber encode(const NumberFormat& format, double value);

constexpr NumberClass class_of(const NumberFormat& format, std::uint32_t bits) {
  const std::uint32_t magnitude = bits & format.magnitude_mask();
  if (format.integer()) return bits == 0 ? NumberClass::zero : NumberClass::normal;
  if (format.specials == SpecialNumbers::nan && magnitude == format.magnitude_mask()) return NumberClass::nan;
  if (format.specials == SpecialNumbers::infinity_and_nan && magnitude >= format.infinity_bits())
    return magnitude == format.infinity_bits() ? NumberClass::infinity : NumberClass::nan;
  if (!format.zero_exponent || magnitude > format.mantissa_mask()) return NumberClass::normal;
  return magnitude == 0 ? NumberClass::zero : NumberClass::subnormal;
}

/// The number that a pattern stands for; exact. Bits above those of the format must be 0.
constexpr double decode(const NumberFormat& format, std::uint32_t bits) {
  const bool negative = (bits & format.sign_mask()) != 0;
  const std::uint32_t mantissa = bits & format.mantissa_mask();
  if (format.integer())
    return static_cast<double>(mantissa) - (negative ? static_cast<double>(format.sign_mask()) : 0.0);
  constexpr auto power = [](int exponent) {  // -1022 and more
    return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
  };
  const std::uint32_t field = (bits >> format.mantissa_bits) & format.exponent_mask();
  double magnitude = 0;
  switch (class_of(format, bits)) {
    case NumberClass::nan:
      magnitude = std::numeric_limits<double>::quiet_NaN();
      break;
    case NumberClass::infinity:
      magnitude = std::numeric_limits<double>::infinity();
      break;
    case NumberClass::normal:
      magnitude = static_cast<double>(mantissa + format.mantissa_mask() + 1) *
                  power(static_cast<int>(field) - format.bias - format.mantissa_bits);
      break;
    case NumberClass::zero:
    case NumberClass::subnormal:
      magnitude = static_cast<double>(mantissa) * power(format.least_exponent() - format.mantissa_bits);
  }
  return negative ? -magnitude : magnitude;
}

/// The pattern of the next smaller or larger number, with one zero between the positive and the negative; no
/// pattern behind the ends and for NaN. Infinities count as numbers.
std::optional<std::uint32_t> next_below(const NumberFormat& format, std::uint32_t bits);
std::optional<std::uint32_t> next_above(const NumberFormat& format, std::uint32_t bits);

/// All formats, widest first.
std::span<const NumberFormat* const> number_formats();

/// By name or alias; nullptr where there is none.
const NumberFormat* number_format(std::string_view name);

}  // namespace lathe
