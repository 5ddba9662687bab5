#include "base/checked.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>

namespace lathe {
namespace {

constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();

TEST(Checked, KnowsTheEdges) {
  EXPECT_EQ(checked_add(kMax, 0), kMax);
  EXPECT_EQ(checked_add(kMax, 1), std::nullopt);
  EXPECT_EQ(checked_add(kMax, kMax), std::nullopt);
  EXPECT_EQ(checked_multiply(kMax, 1), kMax);
  EXPECT_EQ(checked_multiply(kMax, 0), 0u);
  EXPECT_EQ(checked_multiply(std::uint64_t{1} << 32, std::uint64_t{1} << 32), std::nullopt);
  EXPECT_EQ(checked_multiply(std::uint64_t{1} << 32, (std::uint64_t{1} << 32) - 1), 0xffffffff00000000u);
  EXPECT_EQ(checked_align(0, 64), 0u);
  EXPECT_EQ(checked_align(1, 64), 64u);
  EXPECT_EQ(checked_align(64, 64), 64u);
  EXPECT_EQ(checked_align(65, 1), 65u);
  EXPECT_EQ(checked_align(kMax - 63, 64), kMax - 63);
  EXPECT_EQ(checked_align(kMax - 62, 64), std::nullopt);
}

TEST(Checked, AgreesWith128Bits) {
  EXPECT_TRUE(rc::check([](std::uint64_t a, std::uint64_t b) {
    a >>= *rc::gen::inRange(0, 64);
    b >>= *rc::gen::inRange(0, 64);
    __extension__ using Wide = unsigned __int128;
    const Wide sum = static_cast<Wide>(a) + b;
    const Wide product = static_cast<Wide>(a) * b;
    RC_ASSERT(checked_add(a, b).has_value() == (sum <= kMax));
    RC_ASSERT(checked_multiply(a, b).has_value() == (product <= kMax));
    if (sum <= kMax) RC_ASSERT(*checked_add(a, b) == static_cast<std::uint64_t>(sum));
    if (product <= kMax) RC_ASSERT(*checked_multiply(a, b) == static_cast<std::uint64_t>(product));
  }));
}

}  // namespace
}  // namespace lathe
