// The searches for a block's factors: what they find is good, holds for the strangest blocks, and marks what
// is not finite.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <set>
#include <vector>

#include "base/half.h"
#include "lathe/error.h"
#include "quant/block_format.h"
#include "quant/quantize_rows.h"
#include "support/block_types.h"

namespace lathe {
namespace {

constexpr std::int64_t kColumns = 512;

std::vector<float> normal_rows(std::int64_t rows, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(rows * kColumns));
  for (auto& value : values) value = normal(random);
  return values;
}

std::vector<float> uneven_importance(unsigned seed) {
  std::mt19937 random(seed);
  std::lognormal_distribution<float> uneven(0.0f, 1.5f);
  std::vector<float> importance(kColumns);
  for (auto& value : importance) value = uneven(random);
  return importance;
}

std::vector<float> decoded(Dtype dtype, const std::vector<std::byte>& blocks, std::size_t elements) {
  std::vector<float> values(elements);
  decode_rows(dtype, blocks.data(), values.data(), 1, static_cast<std::int64_t>(elements));
  return values;
}

std::vector<std::byte> quantized(Dtype dtype, const std::vector<float>& values, const float* importance,
                                 Effort effort = Effort::best) {
  const auto rows = static_cast<std::int64_t>(values.size()) / kColumns;
  std::vector<std::byte> blocks(static_cast<std::size_t>(rows) * row_bytes(dtype, kColumns), std::byte{0xaa});
  quantize_rows(dtype, values.data(), importance, rows, kColumns, blocks.data(), effort);
  return blocks;
}

double weighted_error(const std::vector<float>& values, const std::vector<float>& others,
                      const float* importance = nullptr) {
  double sum = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double error = static_cast<double>(values[i]) - static_cast<double>(others[i]);
    sum += error * error * (importance != nullptr ? static_cast<double>(importance[i % kColumns]) : 1.0);
  }
  return sum;
}

class Search : public testing::TestWithParam<Dtype> {
 protected:
  const BlockFormat& format() const { return *block_format(GetParam()); }
  std::size_t elements() const { return info(GetParam()).block_elements; }
};

TEST_P(Search, JoinPutsBackWhatSplitTookOut) {
  std::mt19937 random(5);
  for (int repeat = 0; repeat < 50; ++repeat) {
    std::vector<std::byte> block(info(GetParam()).block_bytes);
    for (auto& byte : block) byte = static_cast<std::byte>(random() & 255u);
    BlockCodes codes;
    format().split(block.data(), codes);
    std::vector<std::byte> other = block;
    std::int8_t zeros[256];
    for (auto& code : zeros) code = format().nearest_code(0.0f);
    format().join(zeros, other.data());
    format().join(codes.codes, other.data());
    BlockCodes again;
    format().split(other.data(), again);
    ASSERT_EQ(std::memcmp(again.codes, codes.codes, elements()), 0);
    ASSERT_EQ(std::memcmp(again.scales, codes.scales, sizeof(float) * elements() / format().group), 0);
  }
}

TEST_P(Search, NearestCodeIsTheNearestThatBlocksHold) {
  std::mt19937 random(6);
  std::set<int> held;
  for (int repeat = 0; repeat < 200; ++repeat) {
    std::vector<std::byte> block(info(GetParam()).block_bytes);
    for (auto& byte : block) byte = static_cast<std::byte>(random() & 255u);
    BlockCodes codes;
    format().split(block.data(), codes);
    held.insert(codes.codes, codes.codes + elements());
  }
  held.erase(-128);  // legal in q8_0, and never written
  for (float value = -140.0f; value < 140.0f; value += 0.0625f) {
    const int code = format().nearest_code(value);
    ASSERT_TRUE(held.contains(code)) << value;
    for (const int other : held)
      ASSERT_LE(std::abs(value - static_cast<float>(code)), std::abs(value - static_cast<float>(other)))
          << value;
  }
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(format().nearest_code(infinity), *held.rbegin());
  EXPECT_EQ(format().nearest_code(-infinity), *held.begin());
}

TEST_P(Search, LosesLessThanTheQuickEncoder) {
  if (format().encode == nullptr) return;
  const auto values = normal_rows(16, 1);
  const auto quick = quantized(GetParam(), values, nullptr, Effort::fast);
  const auto best = quantized(GetParam(), values, nullptr);
  EXPECT_LT(weighted_error(values, decoded(GetParam(), best, values.size())),
            0.85 * weighted_error(values, decoded(GetParam(), quick, values.size())));
}

TEST_P(Search, LosesLessWhereItMatters) {
  const auto values = normal_rows(16, 2);
  const auto importance = uneven_importance(3);
  const auto alike = decoded(GetParam(), quantized(GetParam(), values, nullptr), values.size());
  const auto weighted = decoded(GetParam(), quantized(GetParam(), values, importance.data()), values.size());
  // A power of two as the scale leaves little to choose.
  const double share = GetParam() == Dtype::mxfp4 ? 0.99 : 0.93;
  EXPECT_LT(weighted_error(values, weighted, importance.data()),
            share * weighted_error(values, alike, importance.data()));
  EXPECT_GT(weighted_error(values, weighted), weighted_error(values, alike));
}

// The numbers of rate and distortion that blocks of normal values should have: 6 dB a bit, roughly.
TEST_P(Search, ErrorFallsWithBits) {
  const auto values = normal_rows(32, 4);
  const double error =
      weighted_error(values, decoded(GetParam(), quantized(GetParam(), values, nullptr), values.size())) /
      static_cast<double>(values.size());
  const double bits = 8.0 * info(GetParam()).block_bytes / static_cast<double>(elements());
  const double bound = std::exp2(-2.0 * bits);  // no code of that many bits goes below
  EXPECT_GT(error, bound);
  EXPECT_LT(error, 7.0 * bound);
}

struct Strange {
  const char* name;
  float (*value)(int index);
};

const Strange kStrange[] = {
    {"zero", [](int) { return 0.0f; }},
    {"minus zero", [](int) { return -0.0f; }},
    {"ones", [](int) { return 1.0f; }},
    {"minus ones", [](int) { return -1.0f; }},
    {"one outlier", [](int i) { return i % 256 == 17 ? 1000.0f : std::sin(static_cast<float>(i)); }},
    {"one value", [](int i) { return i % 256 == 200 ? -0.5f : 0.0f; }},
    {"all above zero", [](int i) { return 3.0f + 0.01f * std::sin(static_cast<float>(i)); }},
    {"all below zero", [](int i) { return -3.0f + 0.01f * std::sin(static_cast<float>(i)); }},
    {"two values", [](int i) { return i % 2 == 0 ? 1.0f : -1.0f; }},
    {"ramp", [](int i) { return static_cast<float>(i % 256) - 100.0f; }},
    {"many magnitudes", [](int i) { return std::ldexp(1.0f, i % 64 - 40); }},
    {"below the smallest half", [](int i) { return 1e-9f * std::sin(static_cast<float>(i)); }},
    {"subnormal halves", [](int i) { return 2e-6f * std::sin(static_cast<float>(i)); }},
    {"subnormal floats", [](int i) { return 1e-41f * std::sin(static_cast<float>(i)); }},
    {"the smallest float", [](int) { return std::numeric_limits<float>::denorm_min(); }},
    {"beyond halves", [](int i) { return 1e9f * std::sin(static_cast<float>(i)); }},
    {"huge", [](int i) { return i % 2 == 0 ? 3e38f : -3e38f; }},
    {"the largest float", [](int) { return std::numeric_limits<float>::max(); }},
    {"the lowest float", [](int) { return std::numeric_limits<float>::lowest(); }},
};

TEST_P(Search, StrangeBlocksStayFiniteAndNoWorseThanZeros) {
  const std::vector<float> alike;
  const auto importance = uneven_importance(8);
  std::vector<float> nothing_seen(kColumns, 0.0f);
  nothing_seen[40] = 1.0f;  // whole blocks of columns that calibration never saw
  for (const auto& strange : kStrange)
    for (const std::vector<float>* weighted :
         {&alike, &importance, static_cast<const std::vector<float>*>(&nothing_seen)}) {
      const float* weights = weighted == &alike ? nullptr : weighted->data();
      std::vector<float> values(kColumns);
      for (int i = 0; i < kColumns; ++i) values[static_cast<std::size_t>(i)] = strange.value(i);
      const auto result = decoded(GetParam(), quantized(GetParam(), values, weights), values.size());
      double square = 0.0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        ASSERT_TRUE(std::isfinite(result[i])) << strange.name << " " << values[i];
        const double weight = weights != nullptr ? static_cast<double>(weights[i]) : 1.0;
        square += weight * static_cast<double>(values[i]) * static_cast<double>(values[i]);
      }
      if (weighted == &nothing_seen) continue;
      ASSERT_LE(weighted_error(values, result, weights), 1.0001 * square) << strange.name;
    }
}

TEST_P(Search, AConstantIsKept) {
  for (const float constant : {1.0f, -1.0f, 0.37f, -2.9f, 1e-2f, 3e4f}) {
    const std::vector<float> values(kColumns, constant);
    const auto result = decoded(GetParam(), quantized(GetParam(), values, nullptr), values.size());
    const float tolerance = GetParam() == Dtype::mxfp4 ? 0.2f : 0.002f;
    for (const float value : result) ASSERT_NEAR(value, constant, tolerance * std::abs(constant));
  }
}

TEST_P(Search, AnOutlierIsKept) {
  auto values = normal_rows(1, 9);
  for (std::size_t i = 5; i < values.size(); i += 32) values[i] = i % 64 == 5 ? 40.0f : -40.0f;
  const auto result = decoded(GetParam(), quantized(GetParam(), values, nullptr), values.size());
  const float tolerance = GetParam() == Dtype::mxfp4 ? 8.0f : 3.0f;
  for (std::size_t i = 5; i < values.size(); i += 32) ASSERT_NEAR(result[i], values[i], tolerance);
}

TEST_P(Search, WhatIsNotFiniteMarksItsBlock) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    auto values = normal_rows(1, 10);
    values[elements() + 3 < kColumns ? elements() + 3 : 3] = bad;
    const auto result = decoded(GetParam(), quantized(GetParam(), values, nullptr), values.size());
    const std::size_t first = elements();
    bool marked = false;
    for (std::size_t i = first; i < 2 * first; ++i) marked |= !std::isfinite(result[i]);
    EXPECT_TRUE(marked);
    for (std::size_t i = 0; i < first; ++i) ASSERT_TRUE(std::isfinite(result[i]));
  }
}

TEST_P(Search, RowsAreIndependent) {
  const auto values = normal_rows(4, 11);
  const auto importance = uneven_importance(12);
  const auto whole = quantized(GetParam(), values, importance.data());
  const std::vector<float> last(values.end() - kColumns, values.end());
  const auto alone = quantized(GetParam(), last, importance.data());
  EXPECT_TRUE(
      std::equal(alone.begin(), alone.end(), whole.end() - static_cast<std::ptrdiff_t>(alone.size())));
}

INSTANTIATE_TEST_SUITE_P(Formats, Search, testing::ValuesIn(test::block_types()),
                         [](const auto& test) { return std::string(lathe::info(test.param).name); });

double block_error(Dtype dtype, const float* values, const std::byte* block) {
  float result[32];
  decode_rows(dtype, block, result, 1, 32);
  double sum = 0.0;
  for (int i = 0; i < 32; ++i)
    sum += std::pow(static_cast<double>(values[i]) - static_cast<double>(result[i]), 2);
  return sum;
}

/// The lowest error of a block of which all but its factor, at `offset`, follows from the factor.
double lowest_error(Dtype dtype, const float* values, int first, int last, int step) {
  const BlockFormat& format = *block_format(dtype);
  double lowest = std::numeric_limits<double>::infinity();
  std::vector<std::byte> block(info(dtype).block_bytes);
  for (int bits = first; bits <= last; bits += step) {
    std::memcpy(block.data(), &bits, format.factors.bytes);
    BlockCodes codes;
    format.split(block.data(), codes);
    if (!std::isfinite(codes.scales[0]) || codes.scales[0] == 0.0f) continue;
    for (int i = 0; i < 32; ++i) codes.codes[i] = format.nearest_code(values[i] / codes.scales[0]);
    format.join(codes.codes, block.data());
    lowest = std::min(lowest, block_error(dtype, values, block.data()));
  }
  return lowest;
}

TEST(SearchOfOneFactor, IsNearTheBestOfAllFactors) {
  const auto values = normal_rows(1, 13);
  for (const Dtype dtype : {Dtype::q4_0, Dtype::q5_0, Dtype::q8_0, Dtype::iq4_nl}) {
    const auto blocks = quantized(dtype, values, nullptr);
    double found = 0.0;
    double lowest = 0.0;
    for (int i = 0; i < kColumns / 32; ++i) {
      found +=
          block_error(dtype, &values[static_cast<std::size_t>(32 * i)], &blocks[i * info(dtype).block_bytes]);
      lowest += lowest_error(dtype, &values[static_cast<std::size_t>(32 * i)], 0, 0xffff, 1);
    }
    EXPECT_LE(found, 1.01 * lowest) << info(dtype).name;
  }
}

TEST(SearchOfOneFactor, FindsTheBestExponent) {
  auto values = normal_rows(1, 14);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] *= std::pow(10.0f, static_cast<float>(i / 32) * 4.0f - 30.0f);
  const auto blocks = quantized(Dtype::mxfp4, values, nullptr);
  for (std::size_t i = 0; i < kColumns / 32; ++i)
    ASSERT_EQ(block_error(Dtype::mxfp4, &values[32 * i], &blocks[17 * i]),
              lowest_error(Dtype::mxfp4, &values[32 * i], 0, 252, 1))
        << i;
}

TEST(QuantizeRows, FloatsAreRounded) {
  const std::vector<float> values = {1.0f, -2.5f, 1e-3f, 65504.0f};
  std::vector<std::byte> halves(8);
  quantize_rows(Dtype::f16, values.data(), nullptr, 1, 4, halves.data());
  std::vector<float> back(4);
  decode_rows(Dtype::f16, halves.data(), back.data(), 1, 4);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(back[i], half_to_float(float_to_half(values[i])));
}

TEST(QuantizeRows, RefusesWhatItCannotWrite) {
  const std::vector<float> values(48);
  std::vector<std::byte> out(4096);
  EXPECT_THROW(quantize_rows(Dtype::q4_0, values.data(), nullptr, 1, 48, out.data()), Error);
  EXPECT_THROW(quantize_rows(Dtype::i32, values.data(), nullptr, 1, 48, out.data()), Error);
  EXPECT_FALSE(can_quantize(Dtype::i32));
  for (const Dtype dtype : test::block_types()) EXPECT_TRUE(can_quantize(dtype));
}

}  // namespace
}  // namespace lathe
