#include "compile/plan_memory.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/error.h"

namespace lathe {
namespace {

TEST(PlanMemory, TensorsThatNeverMeetShareBytes) {
  const std::vector<Lifetime> lifetimes = {{100, 0, 1}, {100, 2, 3}, {50, 1, 2}};
  const MemoryPlan plan = plan_memory(lifetimes);
  EXPECT_EQ(plan.offsets[0], plan.offsets[1]);
  EXPECT_NE(plan.offsets[2], plan.offsets[0]);
  EXPECT_EQ(plan.bytes, 192u);  // 100 and 50, each in whole cache lines
  EXPECT_EQ(plan.lower_bound, 192u);
}

TEST(PlanMemory, NothingNeedsNothing) {
  const MemoryPlan plan = plan_memory({});
  EXPECT_EQ(plan.bytes, 0u);
  EXPECT_EQ(plan.lower_bound, 0u);
}

TEST(PlanMemory, SizesBeyondAnyMachineAreRefused) {
  EXPECT_THROW(plan_memory(std::vector<Lifetime>{{~std::uint64_t{0} - 3, 0, 0}}), Error);
  EXPECT_THROW(plan_memory(std::vector<Lifetime>{{std::uint64_t{1} << 60, 0, 0}}), Error);
}

TEST(PlanMemory, TensorsAliveTogetherNeverOverlap) {
  EXPECT_TRUE(rc::check([](std::vector<std::tuple<std::uint16_t, std::uint8_t, std::uint8_t>> drawn) {
    std::vector<Lifetime> lifetimes;
    for (const auto& [bytes, first, length] : drawn)
      lifetimes.push_back({bytes, first % 64, first % 64 + length % 16});
    const MemoryPlan plan = plan_memory(lifetimes);
    for (std::size_t i = 0; i < lifetimes.size(); ++i) {
      RC_ASSERT(plan.offsets[i] % kArenaAlignment == 0);
      RC_ASSERT(plan.offsets[i] + lifetimes[i].bytes <= plan.bytes);
      for (std::size_t j = 0; j < i; ++j) {
        const bool together = lifetimes[i].first_step <= lifetimes[j].last_step &&
                              lifetimes[j].first_step <= lifetimes[i].last_step;
        const bool apart = plan.offsets[i] + lifetimes[i].bytes <= plan.offsets[j] ||
                           plan.offsets[j] + lifetimes[j].bytes <= plan.offsets[i];
        RC_ASSERT(!together || apart || lifetimes[i].bytes == 0 || lifetimes[j].bytes == 0);
      }
    }
    RC_ASSERT(plan.bytes >= plan.lower_bound);
  }));
}

}  // namespace
}  // namespace lathe
