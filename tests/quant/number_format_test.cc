// The formats by their definition; number_test.py holds every pattern against numpy and ml_dtypes.
#include "quant/number_format.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <random>
#include <set>

#include "base/half.h"

namespace lathe {
namespace {

const NumberFormat& named(std::string_view name) {
  const NumberFormat* format = number_format(name);
  EXPECT_NE(format, nullptr) << name;
  return *format;
}

double largest(std::string_view name) { return decode(named(name), named(name).largest_bits()); }

TEST(NumberFormat, HasTheLargestNumberOfItsDefinition) {
  EXPECT_EQ(largest("fp32"), std::numeric_limits<float>::max());
  EXPECT_EQ(largest("tf32"), (2 - 0x1p-10) * 0x1p127);
  EXPECT_EQ(largest("fp16"), 65504);
  EXPECT_EQ(largest("bf16"), (2 - 0x1p-7) * 0x1p127);
  EXPECT_EQ(largest("fp8_e4m3"), 448);
  EXPECT_EQ(largest("fp8_e5m2"), 57344);
  EXPECT_EQ(largest("fp4_e2m1"), 6);
  EXPECT_EQ(largest("e8m0"), 0x1p127);
  EXPECT_EQ(largest("int8"), 127);
  EXPECT_EQ(largest("int4"), 7);
}

TEST(NumberFormat, IsFoundByNameAndAlias) {
  EXPECT_EQ(number_format("f16"), number_format("fp16"));
  EXPECT_EQ(number_format("e4m3"), number_format("fp8_e4m3"));
  EXPECT_EQ(number_format(""), nullptr);
  EXPECT_EQ(number_format("fp17"), nullptr);
  std::set<std::string_view> names;
  for (const NumberFormat* format : number_formats()) EXPECT_TRUE(names.insert(format->name).second);
  EXPECT_EQ(number_formats().front()->name, "fp32");
}

TEST(NumberFormat, SaysHowANumberWasRounded) {
  const NumberFormat& half = named("fp16");
  EXPECT_EQ(encode(half, 6.5).bits, 0x4680u);
  EXPECT_EQ(encode(half, 6.5).rounding, Rounding::exact);
  EXPECT_EQ(encode(half, 6.5).exponent, 2);
  EXPECT_EQ(encode(half, 0.1).rounding, Rounding::down);
  EXPECT_EQ(encode(half, 0.7).rounding, Rounding::up);
  EXPECT_EQ(encode(half, 2049).rounding, Rounding::tie_down);
  EXPECT_EQ(encode(half, 2051).rounding, Rounding::tie_up);
  EXPECT_EQ(encode(half, 65519.9).rounding, Rounding::down);
  EXPECT_EQ(encode(half, 65520).rounding, Rounding::overflow);
  EXPECT_EQ(encode(half, -65520).bits, 0xfc00u);
  EXPECT_EQ(encode(half, std::numeric_limits<double>::infinity()).rounding, Rounding::exact);
  EXPECT_EQ(encode(named("fp8_e4m3"), 480).rounding, Rounding::overflow);
  EXPECT_EQ(encode(named("fp8_e4m3"), 480).bits, 0x7fu);
  EXPECT_EQ(encode(named("fp4_e2m1"), 1e30).bits, 7u);
  EXPECT_EQ(encode(named("fp4_e2m1"), std::nan("")).bits, std::nullopt);
  EXPECT_EQ(encode(named("e8m0"), 1e-300).rounding, Rounding::underflow);
  EXPECT_EQ(encode(named("int8"), 2.5).bits, 2u);
  EXPECT_EQ(encode(named("int8"), 2.5).rounding, Rounding::tie_down);
  EXPECT_EQ(encode(named("int8"), -300).bits, 0x80u);
  EXPECT_EQ(encode(named("int8"), 1e300).rounding, Rounding::overflow);
}

// The fast path and the definition: all halves and bfloats, a million bits of a float32.
TEST(NumberFormat, AgreesWithHalvesAndBfloats) {
  const NumberFormat& half = named("fp16");
  const NumberFormat& bfloat = named("bf16");
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const float expected = half_to_float(static_cast<std::uint16_t>(bits));
    const double value = decode(half, bits);
    ASSERT_TRUE(value == expected || (std::isnan(value) && std::isnan(expected))) << bits;
    ASSERT_EQ(class_of(half, bits) == NumberClass::nan, std::isnan(expected));
    const float wide = bfloat_to_float(static_cast<std::uint16_t>(bits));
    ASSERT_TRUE(decode(bfloat, bits) == wide || std::isnan(wide)) << bits;
  }
  std::mt19937 random(1);
  for (int i = 0; i < 1'000'000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (std::isnan(value)) continue;  // the fast path keeps payloads
    ASSERT_EQ(encode(half, value).bits, float_to_half(value)) << value;
    ASSERT_EQ(encode(bfloat, value).bits, float_to_bfloat(value)) << value;
  }
}

// What is stored is as near as any number of the format, in every format.
TEST(NumberFormat, RoundsToANearestNumber) {
  rc::check([](std::int32_t digits, std::int8_t power) {
    const double value = std::ldexp(static_cast<double>(digits), power / 4 - 31);
    for (const NumberFormat* format : number_formats()) {
      const EncodedNumber encoded = encode(*format, value);
      if (!encoded.bits || encoded.rounding == Rounding::overflow) continue;
      const double stored = decode(*format, *encoded.bits);
      if (std::isnan(stored)) continue;  // zero and negative numbers in e8m0
      const double error = std::abs(stored - value);
      for (const auto neighbour : {next_below(*format, *encoded.bits), next_above(*format, *encoded.bits)})
        if (neighbour) RC_ASSERT(error <= std::abs(decode(*format, *neighbour) - value));
      RC_ASSERT((encoded.rounding == Rounding::exact) == (stored == value));
    }
  });
}

}  // namespace
}  // namespace lathe
