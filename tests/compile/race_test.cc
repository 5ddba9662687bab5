#include "compile/race.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lathe {
namespace {

TEST(Race, ATimeIsTheShortestOfManyAndTheFirstDoesNotCount) {
  int runs = 0;
  const auto best = race(1, [&](std::size_t) { return ++runs == 1     ? 0.0001
                                                      : runs % 5 == 0 ? 0.001
                                                                      : 0.002; },
                         {.seconds = 0.1});
  EXPECT_EQ(best, std::vector<double>{0.001});
  EXPECT_GT(runs, 40);
  EXPECT_LT(runs, 110);
}

TEST(Race, TheHopelessAreLeftOutEarly) {
  std::vector<int> runs(3);
  const std::vector<double> seconds = {1e-4, 1.05e-4, 9e-4};
  const auto best = race(3,
                         [&](std::size_t i) {
                           ++runs[i];
                           return seconds[i];
                         },
                         {.seconds = 0.02});
  EXPECT_EQ(best, seconds);
  EXPECT_EQ(runs[2], 4);
  EXPECT_GT(runs[0], 100);
  EXPECT_NEAR(runs[0], runs[1], 10);
}

TEST(Race, WhatTakesLongerThanTheTimeThereIsRunsOnce) {
  std::vector<int> runs(2);
  const auto best = race(2,
                         [&](std::size_t i) {
                           ++runs[i];
                           return i == 0 ? 2.0 : 0.01;
                         },
                         {.seconds = 0.05});
  EXPECT_EQ(runs[0], 1);
  EXPECT_EQ(runs[1], 5);
  EXPECT_EQ(best[0], 2.0);
  EXPECT_EQ(best[1], 0.01);
}

TEST(Race, ASlowSpellHitsAllAlike) {
  // Every run of the second half of the race takes ten times as long.
  int total = 0;
  const auto best = race(2, [&](std::size_t i) { return (i == 0 ? 1e-3 : 1.2e-3) * (++total > 10 ? 10 : 1); },
                         {.seconds = 0.05});
  EXPECT_LT(best[0], best[1]);
}

TEST(Race, DisturbedRunsDoNotUseUpTheTime) {
  // Six of seven runs are interrupted.
  int total = 0;
  const auto best =
      race(2, [&](std::size_t i) { return (i == 0 ? 1e-4 : 1.1e-4) + (++total % 7 == 0 ? 0 : 0.0005); },
           {.seconds = 0.02});
  EXPECT_LT(best[0], 2e-4);
  EXPECT_LT(best[1], 2e-4);
}

TEST(Race, NobodyRunsForever) {
  int runs = 0;
  race(2,
       [&](std::size_t) {
         ++runs;
         return 0.0;
       },
       {.seconds = 1, .most_runs = 50});
  EXPECT_LT(runs, 300);
}

}  // namespace
}  // namespace lathe
