// Scales of columns: never worse than none, better where inputs differ, and of no use where they do not.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "lathe/error.h"
#include "quant/awq.h"

namespace lathe {
namespace {

constexpr std::int64_t kRows = 12;
constexpr std::int64_t kColumns = 256;

std::vector<float> normal_weights() {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(kRows * kColumns);
  for (auto& value : values) value = normal(random);
  return values;
}

std::vector<float> uneven(float width) {
  std::mt19937 random(2);
  std::lognormal_distribution<float> distribution(0.0f, width);
  std::vector<float> importance(kColumns);
  for (auto& value : importance) value = distribution(random);
  return importance;
}

TEST(ColumnScales, LowerTheErrorWhereInputsDiffer) {
  const auto weights = normal_weights();
  const auto importance = uneven(2.5f);
  for (const Dtype dtype : {Dtype::q4_0, Dtype::q4_k, Dtype::q8_0, Dtype::iq4_nl}) {
    const auto found = find_column_scales(dtype, weights.data(), importance.data(), kRows, kColumns);
    EXPECT_LT(found.error, 0.9 * found.unscaled_error) << info(dtype).name;
    EXPECT_GT(found.exponent, 0.0f);
    double log_sum = 0.0;
    for (std::size_t i = 0; i < kColumns; ++i) {
      log_sum += std::log(static_cast<double>(found.scales[i]));
      for (std::size_t j = 0; j < i; ++j)
        ASSERT_EQ(importance[i] < importance[j], found.scales[i] < found.scales[j]) << i << " " << j;
    }
    EXPECT_NEAR(log_sum / kColumns, 0.0, 1e-4);
  }
}

TEST(ColumnScales, AreOneWhereInputsAreAlike) {
  const auto weights = normal_weights();
  const std::vector<float> importance(kColumns, 3.0f);
  const auto found = find_column_scales(Dtype::q4_0, weights.data(), importance.data(), kRows, kColumns);
  EXPECT_EQ(found.exponent, 0.0f);
  EXPECT_EQ(found.error, found.unscaled_error);
  for (const float scale : found.scales) EXPECT_EQ(scale, 1.0f);
}

TEST(ColumnScales, LeaveColumnsWithoutInputAlone) {
  const auto weights = normal_weights();
  auto importance = uneven(2.0f);
  for (std::size_t i = 0; i < kColumns; i += 7) importance[i] = 0.0f;
  const auto found = find_column_scales(Dtype::q4_0, weights.data(), importance.data(), kRows, kColumns);
  for (std::size_t i = 0; i < kColumns; ++i) {
    EXPECT_TRUE(std::isfinite(found.scales[i]) && found.scales[i] > 0.0f);
    EXPECT_TRUE(i % 7 != 0 || found.scales[i] == 1.0f);
  }
  const std::vector<float> nothing(kColumns, 0.0f);
  const auto blind = find_column_scales(Dtype::q4_0, weights.data(), nothing.data(), kRows, kColumns);
  EXPECT_EQ(blind.exponent, 0.0f);
}

TEST(SmoothingScales, MoveAShareOfTheInputsRangeIntoTheWeights) {
  const std::vector<float> importance = {1.0f, 16.0f, 1.0f, 0.0f, 4.0f},
                           largest = {1.0f, 1.0f, 4.0f, 1.0f, 0.0f};
  const auto all = smoothing_scales(importance, largest, 1.0);
  EXPECT_NEAR(all[1] / all[0], 4.0f, 1e-5f);  // inputs are alike afterwards
  EXPECT_NEAR(all[2] / all[0], 1.0f, 1e-5f);
  const auto half = smoothing_scales(importance, largest, 0.5);
  EXPECT_NEAR(half[1] / half[0], 2.0f, 1e-5f);
  EXPECT_NEAR(half[2] / half[0], 0.5f, 1e-5f);
  for (const auto& scales : {all, half}) {
    EXPECT_EQ(scales[3], 1.0f);  // no inputs
    EXPECT_NEAR(scales[0] * scales[1] * scales[2] * (scales == all ? scales[4] : 1.0f), 1.0f, 1e-5f);
  }
  EXPECT_EQ(half[4], 1.0f);  // no weights
}

TEST(ColumnScales, RefuseRowsOfNoWholeBlocks) {
  const std::vector<float> weights(100, 1.0f);
  EXPECT_THROW(find_column_scales(Dtype::q4_0, weights.data(), weights.data(), 1, 100), Error);
}

}  // namespace
}  // namespace lathe
