// Types within a budget: held against every choice there is.
#include "api/type_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "lathe/error.h"

namespace lathe {
namespace {

using Tensors = std::vector<std::vector<TypeOption>>;

struct Total {
  std::uint64_t bytes = 0;
  double divergence = 0;
};

Total total(const Tensors& tensors, const std::vector<std::size_t>& chosen) {
  Total sum;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    sum.bytes += tensors[i][chosen[i]].bytes;
    sum.divergence += tensors[i][chosen[i]].divergence;
  }
  return sum;
}

double least_divergence(const Tensors& tensors, std::uint64_t budget) {
  double best = std::numeric_limits<double>::infinity();
  std::vector<std::size_t> chosen(tensors.size());
  const std::function<void(std::size_t)> visit = [&](std::size_t tensor) {
    if (tensor == tensors.size()) {
      const Total sum = total(tensors, chosen);
      if (sum.bytes <= budget) best = std::min(best, sum.divergence);
      return;
    }
    for (chosen[tensor] = 0; chosen[tensor] < tensors[tensor].size(); ++chosen[tensor]) visit(tensor + 1);
  };
  visit(0);
  return best;
}

/// Finer types are larger, and lose less by about a factor of four for each bit.
Tensors some_tensors(std::mt19937& random) {
  std::uniform_real_distribution<double> sensitivity(-4, 0);
  std::uniform_real_distribution<double> noise(0.8, 1.25);
  std::uniform_int_distribution<int> size(1, 40);
  Tensors tensors(6);
  for (auto& options : tensors) {
    const double worst = std::pow(10.0, sensitivity(random));
    const int rows = size(random);
    for (int bits = 2; bits <= 8; bits += 2)
      options.push_back({Dtype::q4_0, static_cast<std::uint64_t>(rows * bits * 32),
                         worst * std::pow(4.0, -bits) * noise(random)});
  }
  return tensors;
}

TEST(TypeBudget, IsKeptAndNearlyAsGoodAsAnyChoice) {
  std::mt19937 random(7);
  double lost = 0;
  for (int round = 0; round < 50; ++round) {
    const Tensors tensors = some_tensors(random);
    Total least;
    Total most;
    for (const auto& options : tensors) {
      least.bytes += options.front().bytes;
      most.bytes += options.back().bytes;
    }
    for (const double share : {0.0, 0.1, 0.5, 0.9, 1.0}) {
      const auto budget =
          least.bytes + static_cast<std::uint64_t>(share * static_cast<double>(most.bytes - least.bytes));
      const Total found = total(tensors, choose_options(tensors, budget));
      EXPECT_LE(found.bytes, budget);
      const double best = least_divergence(tensors, budget);
      EXPECT_LE(found.divergence, 4 * best);
      lost += found.divergence / best - 1;
    }
  }
  EXPECT_LT(lost / 250, 0.15);
}

TEST(TypeBudget, ALargerTypeThatLosesMoreIsNeverTaken) {
  const Tensors tensors = {{{Dtype::q4_0, 10, 0.5}, {Dtype::q4_1, 12, 0.7}, {Dtype::q5_0, 20, 0.1}}};
  EXPECT_EQ(choose_options(tensors, 15)[0], 0u);
  EXPECT_EQ(choose_options(tensors, 100)[0], 2u);
}

TEST(TypeBudget, TooLittleIsRefusedWithTheLeastSize) {
  const Tensors tensors = {{{Dtype::q4_0, 10, 0.5}}, {{Dtype::q4_0, 7, 0.5}}};
  EXPECT_EQ(choose_options(tensors, 17).size(), 2u);
  try {
    choose_options(tensors, 16);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("17"), std::string::npos) << error.what();
  }
}

TEST(TypeBudget, SizesInWords) {
  EXPECT_EQ(parse_budget("4bpw", 1000, 77), 500u);
  EXPECT_EQ(parse_budget("4.5bpw", 16, 77), 9u);
  EXPECT_EQ(parse_budget("2kB", 0, 77), 1923u);
  EXPECT_EQ(parse_budget("1.5MB", 0, 0), 1'500'000u);
  EXPECT_EQ(parse_budget("2MiB", 0, 0), 2'097'152u);
  EXPECT_EQ(parse_budget("1200B", 0, 200), 1000u);
  EXPECT_EQ(parse_budget("1kB", 0, 5000), 0u);
  for (const char* wrong : {"", "4", "4 bpw", "bpw", "-1MB", "0MB", "1e400MB", "infGB", "4MB "})
    EXPECT_THROW(parse_budget(wrong, 1, 0), Error) << wrong;
}

}  // namespace
}  // namespace lathe
