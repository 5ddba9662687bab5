#include "api/plan_profiles.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/error.h"

namespace lathe {
namespace {

const std::vector<SymbolLimit> kLimits = {{"T", 512}, {"Q", 8}, {"B", 256}, {"S", 16}, {"P", 64}};

std::shared_ptr<Plan> plan_of(const std::vector<SymbolLimit>& limits,
                              const std::vector<ProfileRanges>& profiles) {
  auto plan = std::make_shared<Plan>();
  plan->symbols = limits;
  for (const auto& ranges : profiles) {
    PlanProfile profile;
    profile.name = ranges.name;
    profile.symbols = ranges.symbols;
    plan->profiles.push_back(std::move(profile));
  }
  return plan;
}

std::string name_for(const Plan& plan, std::int64_t tokens) {
  const std::int64_t symbols[] = {tokens, 1, 4, 1, 64};
  return plan.profiles[static_cast<std::size_t>(plan.profile_for(symbols))].name;
}

TEST(PlanProfiles, EveryStepOfADecoderHasOne) {
  const auto plan = plan_of(kLimits, decoder_profiles(kLimits));
  const auto expected = [](std::int64_t tokens) {
    return tokens <= 1 ? "decode" : tokens <= 16 ? "batch" : "prefill";
  };
  for (std::int64_t tokens = 0; tokens <= 512; ++tokens)
    ASSERT_EQ(name_for(*plan, tokens), expected(tokens)) << tokens;
  EXPECT_THROW(name_for(*plan, 513), Error);
  for (const auto& profile : plan->profiles)
    for (std::size_t i = 1; i < kLimits.size(); ++i)
      EXPECT_EQ(profile.symbols[i].maximum, kLimits[i].maximum) << profile.name << " " << kLimits[i].name;
}

TEST(PlanProfiles, EveryStepOfAnEncoderHasOne) {
  const auto plan = plan_of(kLimits, encoder_profiles(kLimits));
  for (std::int64_t tokens = 0; tokens <= 512; ++tokens)
    ASSERT_EQ(name_for(*plan, tokens), tokens <= 64 ? "query" : "texts") << tokens;
}

TEST(PlanProfiles, TypicalStepsKeepToTheRanges) {
  for (const std::int64_t tokens : {1, 5, 16, 17, 40, 512})
    for (const auto& make : {decoder_profiles, encoder_profiles}) {
      auto limits = kLimits;
      limits[0].maximum = tokens;
      const auto profiles = make(limits);
      ASSERT_FALSE(profiles.empty());
      EXPECT_EQ(profiles.back().symbols[0].maximum, tokens);
      for (const auto& profile : profiles)
        for (const auto& range : profile.symbols) {
          EXPECT_LE(range.minimum, range.optimum) << profile.name << " with " << tokens;
          EXPECT_LE(range.optimum, range.maximum) << profile.name << " with " << tokens;
        }
    }
}

}  // namespace
}  // namespace lathe
