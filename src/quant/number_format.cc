#include "quant/number_format.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "base/error.h"

namespace lathe {
namespace {

std::optional<std::uint32_t> nan_bits(const NumberFormat& format, bool negative) {
  const std::uint32_t sign = negative ? format.sign_mask() : 0;
  if (format.specials == SpecialNumbers::none) return std::nullopt;
  if (format.specials == SpecialNumbers::nan) return sign | format.magnitude_mask();
  return sign | format.infinity_bits() | (std::uint32_t{1} << (format.mantissa_bits - 1));
}

/// What stands for a number beyond the largest.
EncodedNumber overflow(const NumberFormat& format, bool negative, EncodedNumber result) {
  const std::uint32_t sign = negative ? format.sign_mask() : 0;
  result.rounding = Rounding::overflow;
  if (format.specials == SpecialNumbers::infinity_and_nan)
    result.bits = sign | format.infinity_bits();
  else if (format.specials == SpecialNumbers::nan)
    result.bits = nan_bits(format, negative);
  else
    result.bits = sign | format.largest_bits();
  return result;
}

EncodedNumber encode_integer(const NumberFormat& format, double value) {
  EncodedNumber result;
  const double largest = format.mantissa_mask();
  const double least = -static_cast<double>(format.sign_mask());
  const double whole = std::nearbyint(value);
  const double held = std::clamp(whole, least, largest);
  const std::uint32_t mask = format.sign_mask() | format.mantissa_mask();
  result.bits = static_cast<std::uint32_t>(static_cast<std::int32_t>(held)) & mask;
  result.kept = static_cast<std::uint64_t>(std::min(std::trunc(std::abs(value)), 0x1p53));
  if (held != whole) {
    result.rounding = Rounding::overflow;
  } else if (whole != value) {
    const bool up = std::abs(whole) > std::abs(value);
    const bool tie = std::abs(whole - value) == 0.5;
    result.rounding =
        tie ? (up ? Rounding::tie_up : Rounding::tie_down) : (up ? Rounding::up : Rounding::down);
  }
  return result;
}

/// `significand` without its lowest `cut` bits.
std::uint64_t round_bits(std::uint64_t significand, int cut, EncodedNumber& result) {
  if (cut > 54) {  // far below half of the last place
    result.rounding = Rounding::down;
    return 0;
  }
  result.kept = significand >> cut;
  const std::uint64_t rest = significand & ((std::uint64_t{1} << cut) - 1);
  if (rest == 0) return result.kept;
  const std::uint64_t half = std::uint64_t{1} << (cut - 1);
  const bool odd = (result.kept & 1) != 0;
  const bool up = rest > half || (rest == half && odd);
  result.rounding =
      rest == half ? (up ? Rounding::tie_up : Rounding::tie_down) : (up ? Rounding::up : Rounding::down);
  return result.kept + (up ? 1 : 0);
}

/// The patterns in ascending order of their numbers, with 0 for both zeros.
std::int64_t ordinal(const NumberFormat& format, std::uint32_t bits) {
  const bool negative = (bits & format.sign_mask()) != 0;
  if (format.integer())
    return static_cast<std::int64_t>(bits) - (negative ? std::int64_t{2} * format.sign_mask() : 0);
  const auto magnitude = static_cast<std::int64_t>(bits & format.magnitude_mask());
  return negative ? -magnitude : magnitude;
}

std::optional<std::uint32_t> step(const NumberFormat& format, std::uint32_t bits, int by) {
  if (class_of(format, bits) == NumberClass::nan) return std::nullopt;
  const std::int64_t place = ordinal(format, bits) + by;
  const bool infinities = format.specials == SpecialNumbers::infinity_and_nan;
  const std::int64_t last = infinities ? format.infinity_bits() : format.largest_bits();
  const std::int64_t first = format.sign_bits == 0 ? 0 : format.integer() ? -last - 1 : -last;
  if (place < first || place > last) return std::nullopt;
  if (format.integer())
    return static_cast<std::uint32_t>(place) & (format.sign_mask() | format.mantissa_mask());
  return static_cast<std::uint32_t>(std::abs(place)) | (place < 0 ? format.sign_mask() : 0);
}

}  // namespace

extern const std::span<const NumberFormat* const> kNumberFormats;  // in the generated number_table.cc

EncodedNumber encode(const NumberFormat& format, double value) {
  const bool negative = std::signbit(value);
  EncodedNumber result;
  const bool positive_only = format.sign_bits == 0 && !format.integer();
  if (std::isnan(value) || (positive_only && (negative || value == 0))) {
    result.bits = nan_bits(format, negative);
    return result;
  }
  if (format.integer()) return encode_integer(format, value);
  if (std::isinf(value)) {
    result = overflow(format, negative, result);
    if (format.specials == SpecialNumbers::infinity_and_nan) result.rounding = Rounding::exact;
    return result;
  }
  const std::uint32_t sign = negative ? format.sign_mask() : 0;
  if (value == 0) {
    result.bits = sign;
    return result;
  }
  int above = 0;  // one more than the power of two of the leading bit
  const double fraction = std::frexp(std::abs(value), &above);
  const auto significand = static_cast<std::uint64_t>(fraction * 0x1p53);
  result.exponent = std::max(above - 1, format.least_exponent());
  const int cut = 52 - format.mantissa_bits + (result.exponent - (above - 1));
  if (!format.zero_exponent && above - 1 < format.least_exponent()) {
    result.rounding = Rounding::underflow;
    result.bits = sign;
    return result;
  }
  const std::uint64_t rounded = round_bits(significand, cut, result);
  // Fields are added, so that a carry out of the mantissa counts the exponent up, from the subnormals too.
  const std::int64_t field = result.exponent + format.bias - (format.zero_exponent ? 1 : 0);
  const std::int64_t first = format.zero_exponent ? 0 : format.mantissa_mask() + 1;
  const std::int64_t magnitude = (field << format.mantissa_bits) + static_cast<std::int64_t>(rounded) - first;
  if (magnitude > static_cast<std::int64_t>(format.largest_bits())) return overflow(format, negative, result);
  result.bits = sign | static_cast<std::uint32_t>(magnitude);
  return result;
}

std::optional<std::uint32_t> next_below(const NumberFormat& format, std::uint32_t bits) {
  return step(format, bits, -1);
}

std::optional<std::uint32_t> next_above(const NumberFormat& format, std::uint32_t bits) {
  return step(format, bits, 1);
}

std::span<const NumberFormat* const> number_formats() {
  static const std::vector<const NumberFormat*> kWidestFirst = [] {
    std::vector<const NumberFormat*> formats(kNumberFormats.begin(), kNumberFormats.end());
    std::ranges::sort(formats, {}, [](const NumberFormat* format) {
      return std::tuple(-format->bits(), format->integer(), -format->mantissa_bits);
    });
    return formats;
  }();
  return kWidestFirst;
}

const NumberFormat* number_format(std::string_view name) {
  if (name.empty()) return nullptr;
  for (const NumberFormat* format : kNumberFormats)
    if (format->name == name || std::ranges::count(format->aliases, name) > 0) return format;
  return nullptr;
}

}  // namespace lathe
