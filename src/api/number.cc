// One number in one format: the public form of quant/number_format.h, with the digits that are rounded.
#include <cmath>

#include "api/number_layout.h"
#include "base/error.h"
#include "lathe/quantization.h"

namespace lathe {
namespace {

constexpr int kMostDigits = 64;  // of what is cut off: a double has 53, and zeros before them

std::string name_of(NumberClass kind) {
  switch (kind) {
    case NumberClass::zero:
      return "zero";
    case NumberClass::subnormal:
      return "subnormal";
    case NumberClass::normal:
      return "normal";
    case NumberClass::infinity:
      return "infinity";
    case NumberClass::nan:
      return "nan";
  }
  return {};
}

std::string name_of(Rounding rounding) {
  switch (rounding) {
    case Rounding::exact:
      return "exact";
    case Rounding::down:
      return "down";
    case Rounding::up:
      return "up";
    case Rounding::tie_down:
      return "tie down";
    case Rounding::tie_up:
      return "tie up";
    case Rounding::overflow:
      return "overflow";
    case Rounding::underflow:
      return "underflow";
  }
  return {};
}

std::string digits(std::uint64_t value, int count) {
  std::string text;
  for (int bit = count - 1; bit >= 0; --bit) text += ((value >> bit) & 1) != 0 ? '1' : '0';
  return text;
}

/// The binary digits of a fraction, 0 <= rest < 1; behind `most` of them "...".
std::string fraction_digits(double rest, int most) {
  std::string text;
  while (rest > 0 && static_cast<int>(text.size()) < most) {
    rest *= 2;
    text += rest >= 1 ? '1' : '0';
    if (rest >= 1) rest -= 1;
  }
  return rest > 0 ? text + "..." : text;
}

/// "110.1": all digits.
std::string binary_text(double magnitude) {
  constexpr int kAllDigits = 1100;
  double whole = std::floor(magnitude);
  const std::string fraction = fraction_digits(magnitude - whole, kAllDigits);
  std::string text;
  for (; whole >= 1; whole = std::floor(whole / 2)) text += std::fmod(whole, 2) != 0 ? '1' : '0';
  text = text.empty() ? "0" : std::string(text.rbegin(), text.rend());
  return fraction.empty() ? text : text + "." + fraction;
}

std::optional<NumberPattern> pattern(const NumberFormat& format, std::optional<std::uint32_t> bits) {
  if (!bits) return std::nullopt;
  return NumberPattern{*bits, decode(format, *bits)};
}

StoredNumber stored(const NumberFormat& format, double number, const EncodedNumber& encoded) {
  StoredNumber result;
  result.layout = layout_of(format);
  result.number = number;
  result.stored = pattern(format, encoded.bits);
  result.rounding = name_of(encoded.rounding);
  if (encoded.bits) {
    result.kind = name_of(class_of(format, *encoded.bits));
    result.below = pattern(format, next_below(format, *encoded.bits));
    result.above = pattern(format, next_above(format, *encoded.bits));
  }
  if (!std::isfinite(number)) return result;
  const double magnitude = std::abs(number);
  result.binary = binary_text(magnitude);
  if (magnitude == 0) return result;
  result.power = std::ilogb(magnitude);
  result.exponent = encoded.exponent;
  if (format.integer() || encoded.rounding == Rounding::underflow) return result;
  const double units = std::ldexp(magnitude, format.mantissa_bits - encoded.exponent);
  result.kept = digits(encoded.kept, format.mantissa_bits + 1);
  result.cut_off = fraction_digits(units - std::floor(units), kMostDigits);
  return result;
}

}  // namespace

NumberLayout layout_of(const NumberFormat& format) {
  NumberLayout layout;
  layout.name = format.name;
  layout.sign_bits = format.sign_bits;
  layout.exponent_bits = format.exponent_bits;
  layout.mantissa_bits = format.mantissa_bits;
  layout.bias = format.bias;
  layout.zero = format.zero_exponent;
  layout.infinities = format.specials == SpecialNumbers::infinity_and_nan;
  layout.nan = format.specials != SpecialNumbers::none;
  layout.largest = decode(format, format.largest_bits());
  layout.least = decode(format, format.zero_exponent ? 1 : 0);
  return layout;
}

const NumberFormat& number_format_named(const std::string& name) {
  if (const NumberFormat* format = number_format(name)) return *format;
  std::string known;
  for (const NumberFormat* format : number_formats())
    known += (known.empty() ? "" : ", ") + std::string(format->name);
  throw Error(ErrorCode::invalid_argument,
              "\"" + printable(name) + "\" is none of the number formats " + known, {{}, {}, "format"});
}

std::vector<NumberLayout> number_layouts() {
  std::vector<NumberLayout> layouts;
  for (const NumberFormat* format : number_formats()) layouts.push_back(layout_of(*format));
  return layouts;
}

StoredNumber store_number(double number, const std::string& format) {
  const NumberFormat& found = number_format_named(format);
  return stored(found, number, encode(found, number));
}

StoredNumber read_pattern(std::uint64_t bits, const std::string& format) {
  const NumberFormat& found = number_format_named(format);
  if (bits >> found.bits() != 0)
    throw Error(
        ErrorCode::invalid_argument,
        std::string(found.name) + " has " + std::to_string(found.bits()) + " bits, and these are more",
        {{}, {}, "bits"});
  const auto word = static_cast<std::uint32_t>(bits);
  const double value = decode(found, word);
  EncodedNumber encoded = encode(found, value);
  encoded.bits = word;  // of a NaN, its own
  return stored(found, value, encoded);
}

}  // namespace lathe
