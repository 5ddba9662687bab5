// QuantizeActivation: what a block's codes and factors are, and equal bits at every ISA level.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "cpu/matmul_call.h"
#include "quant/activation.h"

namespace lathe::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<std::byte> quantize(const std::string& isa, const std::vector<float>& values,
                                std::int64_t columns, int threads = 1, const std::vector<float>& marks = {}) {
  const auto tokens = static_cast<std::int64_t>(values.size()) / columns;
  std::vector<std::byte> rows(static_cast<std::size_t>(tokens) * row_bytes(Dtype::a8, columns),
                              std::byte{0xee});
  std::vector<TensorArg> inputs = {tensor(values.data(), Dtype::f32, tokens, columns)};
  if (!marks.empty()) inputs.push_back(row_tensor(marks.data(), columns));
  call_kernel(kernel_named(isa + ".quantize_activation"), inputs,
              tensor(rows.data(), Dtype::a8, tokens, columns), threads);
  return rows;
}

/// 0: scale, 2: sum, 3: sum of the first half of the only block of a 32-column row.
float factor(const std::vector<std::byte>& row, int which) {
  float value;
  std::memcpy(&value, row.data() + 32 + 4 * which, sizeof value);
  return value;
}

int zero(const std::vector<std::byte>& row) {
  std::int32_t value;
  std::memcpy(&value, row.data() + 36, sizeof value);
  return value;
}

double decoded(const std::vector<std::byte>& row, std::size_t column) {
  return static_cast<double>(factor(row, 0)) * (std::to_integer<int>(row[column]) - zero(row));
}

std::vector<std::string> all_levels() {
  auto levels = fast_levels();
  levels.insert(levels.begin(), "portable");
  return levels;
}

TEST(QuantizeActivation, CodesAreWithinHalfAStep) {
  std::mt19937 random(1);
  const auto values = random_floats(32, random);
  for (const auto& isa : all_levels()) {
    const auto row = quantize(isa, values, 32);
    double sum = 0;
    double half_sum = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      EXPECT_NEAR(decoded(row, i), values[i], 0.5001f * factor(row, 0));
      sum += decoded(row, i);
      if (i < 16) half_sum += decoded(row, i);
    }
    EXPECT_NEAR(factor(row, 2), sum, 1e-5);
    EXPECT_NEAR(factor(row, 3), half_sum, 1e-5);
  }
}

TEST(QuantizeActivation, HalvesRoundToEven) {
  std::vector<float> values(32, 0.0f);
  for (int i = 0; i < 8; ++i) values[static_cast<std::size_t>(i)] = static_cast<float>(i) + 0.5f;
  values[31] = 255.0f;  // a step of 1
  for (const auto& isa : all_levels()) {
    const auto row = quantize(isa, values, 32);
    const int expected[8] = {0, 2, 2, 4, 4, 6, 6, 8};
    for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(std::to_integer<int>(row[i]), expected[i]) << isa;
    EXPECT_EQ(std::to_integer<int>(row[31]), 255);
    EXPECT_EQ(factor(row, 0), 1.0f);
    EXPECT_EQ(zero(row), 0);
  }
}

/// The promises of quant/activation.h, at ranges of every size and with 0 inside, at an end and outside.
TEST(QuantizeActivation, ScalesAndZerosAreFewAndHoldTheRange) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
  std::uniform_int_distribution<int> powers(-60, 60);
  for (int round = 0; round < 500; ++round) {
    std::vector<float> values(32);
    const float size = std::ldexp(1.0f, powers(random));
    const float shift = round % 5 == 0 ? 2.0f : round % 5 == 1 ? -2.0f : uniform(random);
    for (float& value : values) value = size * (uniform(random) + shift);
    for (const auto& isa : all_levels()) {
      const auto row = quantize(isa, values, 32);
      const float scale = factor(row, 0);
      int exponent;
      const float mantissa = std::frexp(scale, &exponent) * 2 * kScaleMantissas;
      EXPECT_EQ(mantissa, std::nearbyint(mantissa)) << isa << ' ' << scale;
      EXPECT_EQ(zero(row) % kZeroStep, 0);
      EXPECT_GE(zero(row), 0);
      EXPECT_LT(zero(row), 256);
      float low = 0;
      float high = 0;
      for (std::size_t i = 0; i < 32; ++i) {
        low = std::min(low, values[i]);
        high = std::max(high, values[i]);
        EXPECT_NEAR(decoded(row, i), values[i], 0.5001 * scale) << isa;
      }
      // 255 steps would do; few zeros cost at most 6 of a hundred more, and few scales 1 of 16.
      EXPECT_LE(scale, (high - low) / 255.0f * 1.0675f * 1.0625f) << isa << ' ' << zero(row);
    }
  }
}

TEST(QuantizeActivation, ZerosHaveScaleZero) {
  for (const auto& isa : all_levels())
    for (const float value : {0.0f, -0.0f, 1e-42f}) {
      const auto row = quantize(isa, std::vector<float>(32, value), 32);
      for (std::size_t i = 0; i < 32; ++i) EXPECT_EQ(std::to_integer<int>(row[i]), 0);
      EXPECT_EQ(factor(row, 0), 0.0f);
      EXPECT_EQ(zero(row), 0);
      EXPECT_EQ(factor(row, 2), 0.0f);
      EXPECT_EQ(factor(row, 3), 0.0f);
    }
}

TEST(QuantizeActivation, NanAndInfinityReachTheSum) {
  for (const auto& isa : all_levels())
    for (const float poison : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity})
      for (const std::size_t position : {0u, 17u, 31u}) {
        std::vector<float> values(32, 0.25f);
        values[position] = poison;
        for (const int sum : {2, 3})
          EXPECT_TRUE(std::isnan(factor(quantize(isa, values, 32), sum))) << isa << ' ' << poison;
      }
}

TEST(QuantizeActivation, EveryLevelGivesPortableBits) {
  std::mt19937 random(2);
  for (const std::int64_t tokens : {1, 2, 7, 16, 64})
    for (const std::int64_t columns : {32, 64, 576, 640, 1088}) {
      auto values = random_floats(static_cast<std::size_t>(tokens * columns), random);
      for (std::size_t i = 0; i < values.size(); ++i) {
        const auto block = i / 32;
        if (block % 7 == 1) values[i] *= 1e-42f;  // subnormal steps
        if (block % 7 == 2) values[i] = i % 2 == 0 ? 0.0f : -0.0f;
        if (block % 7 == 3) values[i] *= 1e38f;                     // the range may overflow
        if (block % 7 == 4) values[i] = std::nearbyint(values[i]);  // ties
      }
      const auto marks = random_marks(columns, random);
      for (const auto& fine : {std::vector<float>(), marks}) {
        const auto expected = quantize("portable", values, columns, 1, fine);
        for (const auto& isa : fast_levels())
          for (int threads = 1; threads <= 4; ++threads)
            ASSERT_EQ(quantize(isa, values, columns, threads, fine), expected)
                << isa << ' ' << tokens << " x " << columns;
      }
    }
}

std::int16_t fine_code(const std::vector<std::byte>& row, std::size_t which) {
  std::int16_t code;
  std::memcpy(&code, row.data() + 32 + 16 + 2 * which, sizeof code);
  return code;
}

/// The others' steps do not grow with what is marked, and it keeps its value to half of such a step.
TEST(QuantizeActivation, MarkedColumnsLeaveTheOthersTheirSteps) {
  std::mt19937 random(4);
  auto values = random_floats(32, random);
  std::vector<float> marks(32, 0.0f);
  marks[5] = marks[20] = marks[21] = 1.0f;  // the last is one too many
  values[5] = values[20] = 0.0f;
  for (const auto& isa : all_levels()) {
    const auto plain = quantize(isa, values, 32);
    auto great = values;
    great[5] = 70.0f;
    great[20] = -90.0f;
    const auto row = quantize(isa, great, 32, 1, marks);
    EXPECT_EQ(factor(row, 0), factor(plain, 0)) << isa;
    EXPECT_EQ(zero(row) & 0xff, zero(plain));
    EXPECT_EQ(zero(row) >> 8, 1 | 5 << 1 | 20 << 6);
    for (std::size_t i = 0; i < 32; ++i) EXPECT_EQ(row[i], plain[i]) << isa << ' ' << i;
    EXPECT_NEAR(factor(row, 0) * static_cast<float>(fine_code(row, 0)), 70.0f, 0.5001f * factor(row, 0));
    EXPECT_NEAR(factor(row, 0) * static_cast<float>(fine_code(row, 1)), -90.0f, 0.5001f * factor(row, 0));
    EXPECT_EQ(factor(row, 2), factor(plain, 2) + factor(row, 0) * static_cast<float>(fine_code(row, 0)) +
                                  factor(row, 0) * static_cast<float>(fine_code(row, 1)));
    EXPECT_EQ(factor(row, 3), factor(plain, 3) + factor(row, 0) * static_cast<float>(fine_code(row, 0)));
  }
}

/// However small the others are, 16 bits hold what is marked; what is no number is seen there as well.
TEST(QuantizeActivation, MarkedColumnsOfAnySizeFit) {
  std::vector<float> values(32, 1e-6f);
  std::vector<float> marks(32, 0.0f);
  marks[31] = 1.0f;
  for (const auto& isa : all_levels()) {
    for (const float great : {1e3f, -1e3f, 1e30f}) {
      values[31] = great;
      const auto row = quantize(isa, values, 32, 1, marks);
      EXPECT_NEAR(static_cast<double>(factor(row, 0)) * fine_code(row, 0), great, 0.5001 * factor(row, 0));
      EXPECT_LE(std::abs(fine_code(row, 0)), 30200);
      EXPECT_EQ(fine_code(row, 1), 0);
    }
    for (const float poison : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity}) {
      values[31] = poison;
      EXPECT_TRUE(std::isnan(factor(quantize(isa, values, 32, 1, marks), 2))) << isa << ' ' << poison;
    }
  }
}

}  // namespace
}  // namespace lathe::test
