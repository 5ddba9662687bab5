// Tensor memory of the models that people start with: close to what no plan can be below, in each profile.
#include <gtest/gtest.h>

#include "api/known_models.h"
#include "api/model_implementation.h"

namespace lathe {
namespace {

class ModelMemory : public testing::TestWithParam<const char*> {};

TEST_P(ModelMemory, IsCloseToTheLeastThereCanBe) {
  const ModelImplementation model(resolve_model(GetParam(), {}), {});
  const Plan& plan = *model.compiled().plan;
  ASSERT_EQ(plan.profiles.size(), 3u);
  for (const auto& profile : plan.profiles) {
    const auto ratio =
        static_cast<double>(profile.arena_bytes) / static_cast<double>(profile.arena_lower_bound);
    EXPECT_GE(ratio, 1) << profile.name;
    EXPECT_LE(ratio, 1.1) << profile.name;
    RecordProperty(profile.name,
                   std::to_string(profile.arena_bytes) + " / " + std::to_string(profile.arena_lower_bound));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ModelMemory, testing::Values("smollm2", "gemma3-270m"),
                         [](const auto& parameter) { return std::string(parameter.param).substr(0, 6); });

}  // namespace
}  // namespace lathe
