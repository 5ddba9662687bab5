#include "quant/error_measures.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace lathe {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::vector<float> normal(std::size_t count, unsigned seed, float deviation) {
  std::mt19937 random(seed);
  std::normal_distribution<float> draw(0.0f, deviation);
  std::vector<float> values(count);
  for (float& value : values) value = draw(random);
  return values;
}

TEST(ValueErrors, AreThoseOfTheDefinition) {
  const std::vector<float> reference{3, 4};
  const std::vector<float> values{3, 3};
  const ValueErrors errors = value_errors(reference, values);
  EXPECT_DOUBLE_EQ(errors.mean_squared, 0.5);
  EXPECT_DOUBLE_EQ(errors.sqnr, 10 * std::log10(25.0));
  EXPECT_DOUBLE_EQ(errors.cosine, 21 / (5 * std::sqrt(18.0)));
  EXPECT_DOUBLE_EQ(errors.largest, 1);
}

TEST(ValueErrors, OfNothingLostAreNone) {
  const std::vector<float> values = normal(100, 1, 2.0f);
  const ValueErrors errors = value_errors(values, values);
  EXPECT_EQ(errors.mean_squared, 0);
  EXPECT_EQ(errors.sqnr, kInfinity);
  EXPECT_NEAR(errors.cosine, 1, 1e-15);
  EXPECT_EQ(errors.largest, 0);
}

TEST(ValueErrors, OfZeros) {
  const std::vector<float> zeros(4);
  EXPECT_EQ(value_errors(zeros, zeros).cosine, 1);
  EXPECT_TRUE(std::isnan(value_errors(zeros, zeros).sqnr));
  EXPECT_EQ(value_errors(zeros, std::vector<float>(4, 1.0f)).cosine, 0);
  EXPECT_EQ(value_errors(zeros, std::vector<float>(4, 1.0f)).sqnr, -kInfinity);
}

TEST(ValueErrors, OfLargeNumbersDoNotOverflow) {
  const std::vector<float> reference{3e38f, -3e38f};
  const std::vector<float> values{-3e38f, 3e38f};
  EXPECT_NEAR(value_errors(reference, values).cosine, -1, 1e-12);
  EXPECT_NEAR(value_errors(reference, values).largest / 6e38, 1, 1e-6);
}

TEST(ValueErrors, ShowANaN) {
  const std::vector<float> reference{1, 2, 3};
  const std::vector<float> values{1, kNaN, 7};
  EXPECT_TRUE(std::isnan(value_errors(reference, values).mean_squared));
  EXPECT_TRUE(std::isnan(value_errors(reference, values).largest));
}

TEST(KlDivergence, IsThatOfTheDefinition) {
  const std::vector<float> p{std::log(0.5f), std::log(0.25f), std::log(0.25f)};
  const std::vector<float> q{std::log(0.25f), std::log(0.25f), std::log(0.5f)};
  EXPECT_NEAR(kl_divergence(p, q), 0.25 * std::log(2.0), 1e-7);
}

TEST(DistributionDifference, HasTheSumsAndTheLikeliest) {
  const std::vector<float> a{1, 3, 3, -2};
  const std::vector<float> b{7, 1, 2, 2};
  const auto difference = distribution_difference(a, b);
  EXPECT_NEAR(difference.reference_log_sum, std::log(std::exp(1) + 2 * std::exp(3) + std::exp(-2)), 1e-12);
  EXPECT_NEAR(difference.log_sum, std::log(std::exp(7) + std::exp(1) + 2 * std::exp(2)), 1e-12);
  EXPECT_EQ(difference.reference_top, 1);
  EXPECT_EQ(difference.top, 0);
  EXPECT_EQ(difference.divergence, kl_divergence(a, b));
}

TEST(KlDivergence, DoesNotSeeAnOffsetHoweverLarge) {
  const std::vector<float> a = normal(1000, 2, 3.0f);
  std::vector<float> b = normal(1000, 3, 3.0f);
  const double divergence = kl_divergence(a, b);
  for (float& logit : b) logit += 4096.0f;  // rounds to 2^-11 at most
  EXPECT_NEAR(kl_divergence(a, b), divergence, 1e-3);
  EXPECT_EQ(kl_divergence(a, a), 0);
}

// Logits d apart: the divergence is half the variance of d, far below what float32 sums would tell from 0.
TEST(KlDivergence, KeepsTheDigitsOfSmallOnes) {
  const std::vector<float> a(1000, 0.0f);
  std::vector<float> b(1000, 0.0f);
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = i % 2 == 0 ? 1e-5f : -1e-5f;
  EXPECT_NEAR(kl_divergence(a, b) / 0.5e-10, 1, 1e-3);
}

TEST(KlDivergence, TakesProbabilitiesOfZero) {
  const float never = -std::numeric_limits<float>::infinity();
  EXPECT_NEAR(kl_divergence(std::vector{0.0f, never}, std::vector{0.0f, 0.0f}), std::log(2.0), 1e-15);
  EXPECT_EQ(kl_divergence(std::vector{0.0f, 0.0f}, std::vector{0.0f, never}), kInfinity);
  EXPECT_EQ(kl_divergence(std::vector{1.0f, never}, std::vector{2.0f, never}), 0);
  EXPECT_TRUE(std::isnan(kl_divergence(std::vector{0.0f, kNaN}, std::vector{0.0f, 0.0f})));
  EXPECT_TRUE(std::isnan(kl_divergence(std::vector{0.0f, 0.0f}, std::vector{kNaN, 0.0f})));
  EXPECT_TRUE(std::isnan(kl_divergence(std::vector{never, never}, std::vector{0.0f, 0.0f})));
}

TEST(KlDivergence, IsNeverNegative) {
  rc::check([](unsigned seed) {
    const std::vector<float> a = normal(50, seed, 2.0f);
    std::vector<float> b = a;
    for (std::size_t i = 0; i < b.size(); ++i) b[i] += static_cast<float>((i * seed) % 3) * 1e-7f;
    RC_ASSERT(kl_divergence(a, b) >= 0);
    RC_ASSERT(kl_divergence(a, b) < 1e-9);
  });
}

TEST(Statistics, AreThoseOfTheDefinition) {
  const std::vector<double> values{2, 4, 4, 4, 5, 5, 7, 9};
  const Moments of = moments(values);
  EXPECT_DOUBLE_EQ(of.mean, 5);
  EXPECT_DOUBLE_EQ(of.deviation, std::sqrt(32.0 / 7));
  EXPECT_DOUBLE_EQ(of.error_of_mean, std::sqrt(32.0 / 7 / 8));
  EXPECT_EQ(moments({}).mean, 0);
  EXPECT_EQ(moments(std::vector{3.0}).mean, 3);
  EXPECT_EQ(moments(std::vector{3.0}).error_of_mean, 0);
}

TEST(Statistics, QuantilesLieOnStraightLines) {
  const std::vector<double> sorted{1, 2, 4, 8};
  EXPECT_EQ(quantile(sorted, 0), 1);
  EXPECT_EQ(quantile(sorted, 0.5), 3);
  EXPECT_DOUBLE_EQ(quantile(sorted, 0.9), 6.8);
  EXPECT_EQ(quantile(sorted, 1), 8);
  EXPECT_EQ(quantile(std::vector{5.0}, 0.99), 5);
  EXPECT_EQ(quantile(std::vector{1.0, kInfinity, kInfinity}, 0.9), kInfinity);
}

// Of many samples, the quantiles scatter by as much as the error says.
TEST(Statistics, ErrorOfAQuantileIsItsScatter) {
  std::mt19937 random(5);
  std::exponential_distribution<double> draw(1.0);
  for (const double q : {0.5, 0.9, 0.99}) {
    std::vector<double> quantiles, errors;
    for (int sample = 0; sample < 400; ++sample) {
      std::vector<double> values(2000);
      for (double& value : values) value = draw(random);
      std::sort(values.begin(), values.end());
      quantiles.push_back(quantile(values, q));
      errors.push_back(error_of_quantile(values, q));
    }
    EXPECT_NEAR(moments(errors).mean / moments(quantiles).deviation, 1, 0.15) << q;
  }
  EXPECT_EQ(error_of_quantile(std::vector{1.0, 2.0}, 1), 0);
}

}  // namespace
}  // namespace lathe
