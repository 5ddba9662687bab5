// All 65,536 bit patterns both ways, against formulas that share nothing with the implementation.
#include "base/half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace lathe {
namespace {

/// The value of a float with `exponent_bits` and `mantissa_bits`, computed from its definition.
double defined_value(std::uint32_t bits, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = static_cast<int>(bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const auto mantissa = static_cast<double>(bits & ((1u << mantissa_bits) - 1));
  const double sign = (bits >> 15) != 0 ? -1.0 : 1.0;
  if (exponent == (1 << exponent_bits) - 1)
    return mantissa == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - mantissa_bits);
  return sign * std::ldexp(mantissa + std::ldexp(1.0, mantissa_bits), exponent - bias - mantissa_bits);
}

struct Format {
  int exponent_bits;
  int mantissa_bits;
  float (*decode)(std::uint16_t);
  std::uint16_t (*encode)(float);
  std::uint16_t infinity() const {
    return static_cast<std::uint16_t>(((1 << exponent_bits) - 1) << mantissa_bits);
  }
};

constexpr Format kHalf{5, 10, half_to_float, float_to_half};
constexpr Format kBfloat{8, 7, bfloat_to_float, float_to_bfloat};

class SixteenBits : public testing::TestWithParam<Format> {};

TEST_P(SixteenBits, DecodesEveryPatternAndBack) {
  const auto& format = GetParam();
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    const float value = format.decode(bits);
    const double expected = defined_value(bits, format.exponent_bits, format.mantissa_bits);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(value)) << i;
      ASSERT_TRUE(std::isnan(format.decode(format.encode(value)))) << i;
      ASSERT_EQ(format.encode(value) & 0x8000, bits & 0x8000) << i;
    } else {
      ASSERT_EQ(static_cast<double>(value), expected) << i;
      ASSERT_EQ(std::signbit(value), (bits >> 15) != 0) << i;
      ASSERT_EQ(format.encode(value), bits) << i;
    }
  }
}

TEST_P(SixteenBits, RoundsToNearestEven) {
  const auto& format = GetParam();
  // Between each finite pattern and the next (behind the greatest: where it would be, were it finite).
  for (std::uint16_t low = 0; low < format.infinity(); ++low) {
    const auto high = static_cast<std::uint16_t>(low + 1);
    const double below = defined_value(low, format.exponent_bits, format.mantissa_bits);
    const double step = low == format.infinity() - 1
                            ? below - defined_value(low - 1u, format.exponent_bits, format.mantissa_bits)
                            : defined_value(high, format.exponent_bits, format.mantissa_bits) - below;
    const auto middle = static_cast<float>(below + step / 2);
    ASSERT_EQ(static_cast<double>(middle), below + step / 2) << low;
    const float infinity = std::numeric_limits<float>::infinity();
    ASSERT_EQ(format.encode(middle), (low & 1) != 0 ? high : low) << low;
    ASSERT_EQ(format.encode(std::nextafter(middle, 0.0f)), low) << low;
    ASSERT_EQ(format.encode(std::nextafter(middle, infinity)), high) << low;
    ASSERT_EQ(format.encode(-middle), 0x8000 | ((low & 1) != 0 ? high : low)) << low;
  }
}

TEST_P(SixteenBits, KeepsInfinitiesZerosAndNaN) {
  const auto& format = GetParam();
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(format.encode(infinity), format.infinity());
  EXPECT_EQ(format.encode(-infinity), format.infinity() | 0x8000);
  EXPECT_EQ(format.encode(std::numeric_limits<float>::max()), format.infinity());
  EXPECT_EQ(format.encode(0.0f), 0);
  EXPECT_EQ(format.encode(-0.0f), 0x8000);
  // A NaN whose only payload bits are those that do not fit must not become an infinity.
  for (const std::uint32_t nan : {0x7f800001u, 0xff800001u, 0x7fffffffu, 0xffffffffu, 0x7fc00000u})
    EXPECT_TRUE(std::isnan(format.decode(format.encode(std::bit_cast<float>(nan))))) << nan;
}

INSTANTIATE_TEST_SUITE_P(Formats, SixteenBits, testing::Values(kHalf, kBfloat), [](const auto& parameter) {
  return parameter.param.exponent_bits == 5 ? "half" : "bfloat";
});

}  // namespace
}  // namespace lathe
