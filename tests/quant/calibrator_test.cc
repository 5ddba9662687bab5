// The calibrators against calibrator_golden.py, which has NVIDIA's algorithm in numpy and makes the same
// histograms, and against what can be said by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "quant/calibrator.h"

namespace lathe {
namespace {

constexpr std::uint64_t kSamples = 200'000;
constexpr double kWidth = 1.0 / 128;

/// SplitMix64 of seed * 2^32 + 1, 2, ...
std::uint64_t random_word(std::uint64_t seed, std::uint64_t i) {
  std::uint64_t z = ((seed << 32) + i + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

int signed_sum(std::uint64_t word) {
  int sum = -1020;
  for (int byte = 0; byte < 8; ++byte) sum += static_cast<int>(word >> (8 * byte) & 255);
  return sum;
}

int decay(std::uint64_t seed, std::uint64_t i, int step) {
  return std::countr_one(random_word(seed, i)) * step +
         static_cast<int>(random_word(seed + 1, i) % static_cast<std::uint64_t>(step));
}

/// The bin of sample i.
int sample(const std::string& kind, std::uint64_t i) {
  if (kind == "gaussian")
    return std::abs(signed_sum(random_word(1, i))) * 2 + static_cast<int>(random_word(2, i) & 1);
  if (kind == "laplace") return std::min(decay(3, i, 70) + decay(20, i, 70), 2047);
  if (kind == "rectified") return std::max(signed_sum(random_word(5, i)), 0) * 2;
  if (kind == "spiky") {
    const std::uint64_t word = random_word(6, i);
    return (word >> 40) % 4 == 0 ? std::abs(signed_sum(random_word(7, i)))
                                 : static_cast<int>(word % 7) * 290 + 40;
  }
  if (kind == "outliers") {
    const std::uint64_t word = random_word(8, i);
    return (word >> 32) % 5000 == 0 ? 1400 + static_cast<int>(word % 648)
                                    : std::abs(signed_sum(random_word(9, i))) / 4;
  }
  if (kind == "grown") return std::min(decay(10, i, 190) + decay(22, i, 190), 4999);
  if (kind == "bimodal") {
    const int hill = (signed_sum(random_word(13, i)) + 1020) / 8;
    return random_word(12, i) % 3 == 0 ? hill + 1500 : hill;
  }
  if (kind == "gaps") return std::abs(signed_sum(random_word(14, i))) / 2 * 4;
  if (kind == "uniform") return static_cast<int>(random_word(15, i) % 2048);
  if (kind == "narrow") return std::abs(signed_sum(random_word(16, i))) / 10;
  if (kind == "single") return 700;
  return static_cast<int>(i % 25) * 20;  // sparse
}

Histogram histogram(const std::string& kind) {
  std::vector<double> counts(kind == "grown" ? 5000 : 2048, 0.0);
  for (std::uint64_t i = 0; i < kSamples; ++i) ++counts[static_cast<std::size_t>(sample(kind, i))];
  return Histogram::of(std::move(counts), kWidth);
}

/// Thresholds in bins, as calibrator_golden.py prints them.
struct Golden {
  const char* kind;
  double entropy2, entropy, mse;
};

constexpr Golden kGolden[] = {
    Golden{"gaussian", 1764, 1764, 1486.5},  Golden{"laplace", 1150, 1150, 1206.5},
    Golden{"rectified", 1632, 1632, 1522.5}, Golden{"spiky", 332, 332, 1837.5},
    Golden{"outliers", 203, 203, 1715.5},    Golden{"grown", 3366, 3366, 3432.5},
    Golden{"sparse", 2048, 481, 1271.5},     Golden{"bimodal", 1741, 1741, 1692.5},
    Golden{"gaps", 1704, 1704, 1525.5},      Golden{"uniform", 2048, 2048, 2039.5},
    Golden{"narrow", 130, 128, 130.5},       Golden{"single", 2048, 701, 700.5},
};

TEST(Calibrators, ThresholdsAreThoseOfThePublishedAlgorithm) {
  for (const auto& golden : kGolden) {
    const Histogram counted = histogram(golden.kind);
    const auto bins = [&](const char* name) {
      return calibrate(find_calibrator(name), counted, {}) / kWidth;
    };
    EXPECT_EQ(bins("entropy2"), golden.entropy2) << golden.kind;
    EXPECT_EQ(bins("entropy"), golden.entropy) << golden.kind;
    EXPECT_EQ(bins("mse"), golden.mse) << golden.kind;
  }
}

std::vector<float> hundred() {
  std::vector<float> values(100);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i + 1) / -100;
  return values;
}

TEST(Calibrators, MinMaxKeepsAllAndPercentileAShare) {
  Histogram counted;
  ASSERT_TRUE(counted.add(hundred()));
  EXPECT_EQ(calibrate(find_calibrator("minmax"), counted, {}), 1);
  EXPECT_NEAR(calibrate(find_calibrator("percentile"), counted, {.percentile = 90}), 0.9, 1.0 / 2048);
  EXPECT_EQ(calibrate(find_calibrator("percentile"), counted, {.percentile = 100}), 1);
}

TEST(Calibrators, ZerosAloneHaveNoThresholdAndOneValueIsKept) {
  Histogram zeros, single;
  ASSERT_TRUE(zeros.add(std::vector<float>(10)));
  ASSERT_TRUE(single.add(std::vector<float>{3}));
  for (const auto& calibrator : all_calibrators()) {
    EXPECT_EQ(calibrate(calibrator, zeros, {}), 0) << calibrator.name;
    EXPECT_NEAR(calibrate(calibrator, single, {}), 3, 3.0 / 2048) << calibrator.name;
  }
}

TEST(Calibrators, AnUnknownNameIsRefusedWithThoseThatThereAre) {
  try {
    find_calibrator("entropy3");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("entropy2, entropy, minmax, percentile, mse"),
              std::string::npos);
  }
}

TEST(Histograms, TheFirstBatchSetsTheWidthAndLargerValuesAppendBins) {
  Histogram counted;
  ASSERT_TRUE(counted.add(std::vector<float>{0, 0, 0}));
  EXPECT_TRUE(counted.counts().empty());
  ASSERT_TRUE(counted.add(std::vector<float>{-2, 1, 0.5f}));
  ASSERT_EQ(counted.counts().size(), 2048);
  EXPECT_EQ(counted.edge(2048), 2);
  EXPECT_EQ(counted.counts()[0], 3);
  EXPECT_EQ(counted.counts()[512], 1);
  EXPECT_EQ(counted.counts()[1024], 1);
  EXPECT_EQ(counted.counts()[2047], 1);
  ASSERT_TRUE(counted.add(std::vector<float>{3, 0.5f}));
  EXPECT_EQ(counted.counts().size(), 3072);
  EXPECT_EQ(counted.edge(3072), 3);
  EXPECT_EQ(counted.counts()[512], 2);
  EXPECT_EQ(counted.counts()[3071], 1);
  EXPECT_EQ(counted.least(), -2);
  EXPECT_EQ(counted.greatest(), 3);
}

TEST(Histograms, FarValuesJoinBinsAndNoneIsLost) {
  Histogram counted;
  ASSERT_TRUE(counted.add(std::vector<float>{1, 0.25f}));
  ASSERT_TRUE(counted.add(std::vector<float>{1e30f}));
  ASSERT_TRUE(counted.add(std::vector<float>{std::numeric_limits<float>::max()}));
  EXPECT_LE(counted.counts().size(), Histogram::kMostBins);
  double sum = 0;
  for (const double count : counted.counts()) sum += count;
  EXPECT_EQ(sum, 4);
  EXPECT_EQ(counted.counts()[0], 3);
  EXPECT_GE(counted.edge(counted.counts().size()), double{std::numeric_limits<float>::max()});
}

TEST(Histograms, ABatchWithNanOrInfinityIsNotCounted) {
  Histogram counted;
  EXPECT_FALSE(counted.add(std::vector<float>{1, std::nanf("")}));
  EXPECT_FALSE(counted.add(std::vector<float>{1, -INFINITY}));
  EXPECT_TRUE(counted.counts().empty());
}

}  // namespace
}  // namespace lathe
