#include "sample/exponential.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace lathe {
namespace {

TEST(Exponential, IsWithinTwoUnitsInTheLastPlace) {
  std::mt19937_64 random(1);
  for (const double low : {-1e-3, -1.0, -40.0, -707.0}) {
    std::uniform_real_distribution<double> uniform(low, 0.0);
    for (int i = 0; i < 20000; ++i) {
      const double x = uniform(random);
      const long double exact = std::exp(static_cast<long double>(x));
      const double unit = std::nextafter(static_cast<double>(exact), 2.0) - static_cast<double>(exact);
      ASSERT_LE(std::fabs(static_cast<double>(exponential(x) - exact)), 2 * unit) << x;
    }
  }
}

TEST(Exponential, OfTheEnds) {
  EXPECT_EQ(exponential(0.0), 1.0);
  EXPECT_EQ(exponential(-0.0), 1.0);
  EXPECT_EQ(exponential(-709.0), 0.0);
  EXPECT_EQ(exponential(-std::numeric_limits<double>::infinity()), 0.0);
}

}  // namespace
}  // namespace lathe
