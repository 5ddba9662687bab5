// Frequencies that are found again in caches of cosines and sines, and caches that have none.
#include "models/onnx_rotary.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lathe {
namespace {

constexpr std::int64_t kPairs = 8, kPositions = 3000;

struct Caches {
  std::vector<float> cosines, sines;
};

Caches caches(double magnitude, double base) {
  Caches result;
  for (std::int64_t position = 0; position < kPositions; ++position)
    for (std::int64_t pair = 0; pair < kPairs; ++pair) {
      const double angle = static_cast<double>(position) *
                           std::pow(base, -static_cast<double>(pair) / static_cast<double>(kPairs));
      result.cosines.push_back(static_cast<float>(magnitude * std::cos(angle)));
      result.sines.push_back(static_cast<float>(magnitude * std::sin(angle)));
    }
  return result;
}

TEST(OnnxRotary, FindsFrequenciesAndMagnitude) {
  for (const double base : {10000.0, 100.0, 1e6})
    for (const double magnitude : {1.0, 1.25}) {
      const Caches made = caches(magnitude, base);
      const auto found = find_rotary_frequencies(made.cosines, made.sines, kPairs);
      ASSERT_TRUE(found.has_value()) << base;
      EXPECT_DOUBLE_EQ(found->magnitude, magnitude);
      for (std::int64_t pair = 0; pair < kPairs; ++pair) {
        const double frequency = std::pow(base, -static_cast<double>(pair) / static_cast<double>(kPairs));
        EXPECT_NEAR(found->frequencies[static_cast<std::size_t>(pair)], frequency, 1e-10)
            << base << " " << pair;
      }
    }
}

TEST(OnnxRotary, RefusesWhatIsNoRotation) {
  const auto refused = [](const Caches& made) {
    return !find_rotary_frequencies(made.cosines, made.sines, kPairs).has_value();
  };
  Caches bent = caches(1, 10000);
  bent.cosines[17 * kPairs + 2] += 1e-3F;
  EXPECT_TRUE(refused(bent));
  Caches swapped = caches(1, 10000);
  std::swap(swapped.cosines, swapped.sines);
  EXPECT_TRUE(refused(swapped));
  Caches stretched = caches(1, 10000);  // other frequencies from some position on
  const Caches other = caches(1, 20000);
  for (std::size_t i = kPairs * 2048; i < stretched.cosines.size(); ++i)
    stretched.cosines[i] = other.cosines[i];
  EXPECT_TRUE(refused(stretched));
  Caches one = caches(1, 10000);
  one.cosines.resize(kPairs);
  one.sines.resize(kPairs);
  EXPECT_TRUE(refused(one));
  EXPECT_FALSE(find_rotary_frequencies({}, {}, kPairs).has_value());
}

}  // namespace
}  // namespace lathe
