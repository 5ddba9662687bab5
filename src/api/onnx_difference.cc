#include "api/onnx_difference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "base/half.h"
#include "quant/number_format.h"

namespace lathe {
namespace {

// Holds every i64, u64 and f64.
using Number = long double;
static_assert(std::numeric_limits<Number>::digits >= 64);

template <class T>
Number as_number(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return static_cast<Number>(value);
}

template <float (*decode)(std::uint16_t)>
Number as_small_float(const std::byte* at) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, at, sizeof(bits));
  return static_cast<Number>(decode(bits));
}

constexpr NumberFormat kE4m3{"", {}, 1, 4, 3, 7, SpecialNumbers::nan};
constexpr NumberFormat kE4m3Fnuz{"", {}, 1, 4, 3, 8};
constexpr NumberFormat kE5m2{"", {}, 1, 5, 2, 15, SpecialNumbers::infinity_and_nan};
constexpr NumberFormat kE5m2Fnuz{"", {}, 1, 5, 2, 16};
constexpr NumberFormat kE8m0{"", {}, 0, 8, 0, 127, SpecialNumbers::nan, false};
constexpr NumberFormat kE2m1{"", {}, 1, 2, 1, 1};

template <const NumberFormat& format>
Number as_format(const std::byte* at) {
  return static_cast<Number>(decode(format, std::to_integer<std::uint32_t>(*at)));
}

/// Formats whose one NaN is what would be minus zero.
template <const NumberFormat& format>
Number as_format_without_minus_zero(const std::byte* at) {
  return *at == std::byte{0x80} ? std::numeric_limits<Number>::quiet_NaN() : as_format<format>(at);
}

struct ElementRow {
  std::string_view dtype;
  std::size_t bytes;
  Number (*read)(const std::byte*);
};

constexpr std::array kElements = {
    ElementRow{"f32", 4, as_number<float>},
    ElementRow{"f64", 8, as_number<double>},
    ElementRow{"f16", 2, as_small_float<half_to_float>},
    ElementRow{"bf16", 2, as_small_float<bfloat_to_float>},
    ElementRow{"bool", 1, as_number<std::uint8_t>},
    ElementRow{"i8", 1, as_number<std::int8_t>},
    ElementRow{"i16", 2, as_number<std::int16_t>},
    ElementRow{"i32", 4, as_number<std::int32_t>},
    ElementRow{"i64", 8, as_number<std::int64_t>},
    ElementRow{"u8", 1, as_number<std::uint8_t>},
    ElementRow{"u16", 2, as_number<std::uint16_t>},
    ElementRow{"u32", 4, as_number<std::uint32_t>},
    ElementRow{"u64", 8, as_number<std::uint64_t>},
    ElementRow{"i4", 1, as_number<std::int8_t>},
    ElementRow{"u4", 1, as_number<std::uint8_t>},
    ElementRow{"i2", 1, as_number<std::int8_t>},
    ElementRow{"u2", 1, as_number<std::uint8_t>},
    ElementRow{"f8e4m3fn", 1, as_format<kE4m3>},
    ElementRow{"f8e4m3fnuz", 1, as_format_without_minus_zero<kE4m3Fnuz>},
    ElementRow{"f8e5m2", 1, as_format<kE5m2>},
    ElementRow{"f8e5m2fnuz", 1, as_format_without_minus_zero<kE5m2Fnuz>},
    ElementRow{"f8e8m0", 1, as_format<kE8m0>},
    ElementRow{"f4e2m1", 1, as_format<kE2m1>},
};

std::string shape_text(const Tensor& tensor) {
  std::string text = tensor.dtype + "[";
  for (std::size_t i = 0; i < tensor.shape.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(tensor.shape[i]);
  return text + "]";
}

std::string number_text(Number value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.9Lg", value);
  return text.data();
}

bool is_near(Number actual, Number expected, const Tolerance& tolerance) {
  if (std::isnan(actual) || std::isnan(expected)) return std::isnan(actual) && std::isnan(expected);
  if (std::isinf(actual) || std::isinf(expected)) return actual == expected;
  return std::fabs(actual - expected) <= tolerance.absolute + tolerance.relative * std::fabs(expected);
}

}  // namespace

std::string onnx_difference(const Tensor& actual, const Tensor& expected, const Tolerance& tolerance) {
  if (actual.container != expected.container || actual.elements.size() != expected.elements.size())
    return "is a " + (actual.container.empty() ? "tensor" : actual.container) + " of " +
           std::to_string(actual.elements.size()) + " and not a " +
           (expected.container.empty() ? "tensor" : expected.container) + " of " +
           std::to_string(expected.elements.size());
  for (std::size_t i = 0; i < expected.elements.size(); ++i) {
    const auto difference = onnx_difference(actual.elements[i], expected.elements[i], tolerance);
    if (!difference.empty()) return "has an element " + std::to_string(i) + " that " + difference;
  }
  if (!expected.container.empty()) return {};
  if (actual.dtype != expected.dtype || actual.shape != expected.shape)
    return "is " + shape_text(actual) + " and not " + shape_text(expected);
  const auto row = std::ranges::find(kElements, std::string_view(expected.dtype), &ElementRow::dtype);
  if (row == kElements.end()) return "is of type " + expected.dtype + ", which cannot be compared";
  if (actual.bytes.size() != expected.bytes.size() || expected.bytes.size() % row->bytes != 0)
    return "has " + std::to_string(actual.bytes.size()) + " bytes and not " +
           std::to_string(expected.bytes.size());
  Tolerance allowed = tolerance;
  if (expected.dtype == "bf16") allowed.relative = std::max(allowed.relative, 0x1p-6);
  const std::size_t count = expected.bytes.size() / row->bytes;
  std::size_t different = 0, first = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (is_near(row->read(&actual.bytes[i * row->bytes]), row->read(&expected.bytes[i * row->bytes]),
                allowed))
      continue;
    if (different++ == 0) first = i;
  }
  if (different == 0) return {};
  return "differs in " + std::to_string(different) + " of " + std::to_string(count) + " elements, first in " +
         std::to_string(first) + ": " + number_text(row->read(&actual.bytes[first * row->bytes])) +
         " and not " + number_text(row->read(&expected.bytes[first * row->bytes]));
}

}  // namespace lathe
