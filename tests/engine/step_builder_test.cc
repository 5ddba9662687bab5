#include "engine/step_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "backend/cache_layout.h"
#include "base/error.h"
#include "engine/toy_device.h"

namespace lathe {
namespace {

using testing::ElementsAre;

/// Remembers what was bound.
class Bindings final : public ExecutionContext {
 public:
  explicit Bindings(std::shared_ptr<const Plan> plan)
      : plan_(std::move(plan)), bound_(plan_->bindings.size()) {}
  void bind(int binding, const Buffer& buffer, std::uint64_t offset) override {
    bound_.at(static_cast<std::size_t>(binding)) = static_cast<const std::byte*>(buffer.data()) + offset;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bound_[static_cast<std::size_t>(binding)]) % 64, 0U);
  }
  void run(std::span<const std::int64_t>, std::uint32_t) override {}
  void read_output(int, std::span<std::byte>) override {}

  std::vector<std::int32_t> numbers(const char* name, std::size_t count) const {
    std::vector<std::int32_t> result(count);
    std::memcpy(result.data(), bound_[static_cast<std::size_t>(plan_->binding(name))], count * 4);
    return result;
  }

 private:
  std::shared_ptr<const Plan> plan_;
  std::vector<const std::byte*> bound_;
};

TEST(StepBuilder, PacksSequencesWithoutPadding) {
  const auto plan = toy::make_plan(toy::small_options());
  toy::Device device;
  StepBuilder builder(*plan, device);
  Bindings context(plan);
  for (int round = 0; round < 2; ++round) {  // nothing is left of the step before
    builder.clear();
    EXPECT_EQ(builder.add(std::vector<TokenId>{5}, 70, std::vector<std::int32_t>{9, 4}), 0);
    EXPECT_EQ(builder.add(std::vector<TokenId>{6, 7, 8}, 0, std::vector<std::int32_t>{2}), 1);
    builder.want(3);
    builder.want(0);
    builder.upload(context, 12);
    EXPECT_THAT(context.numbers("ids", 4), ElementsAre(5, 6, 7, 8));
    EXPECT_THAT(context.numbers("positions", 4), ElementsAre(70, 0, 1, 2));
    EXPECT_THAT(context.numbers("sequences", 8), ElementsAre(0, 1, 70, 0, 1, 3, 0, 2));
    EXPECT_THAT(context.numbers("block_tables", 3), ElementsAre(9, 4, 2));
    EXPECT_THAT(context.numbers("out_rows", 2), ElementsAre(3, 0));
    EXPECT_THAT(builder.symbols(), ElementsAre(2, 4, 12, 3, 2));  // the plan's order: S, T, P, B, Q
  }
}

TEST(StepBuilder, OneCopyOfNoMoreThanTheStep) {
  const auto plan = toy::make_plan(toy::small_options());
  toy::Device device;
  StepBuilder builder(*plan, device);
  Bindings context(plan);
  builder.clear();
  builder.add(std::vector<TokenId>{5}, 0, std::vector<std::int32_t>{0});
  builder.want(0);
  builder.upload(context, 1);
  EXPECT_EQ(device.traffic().to_device, 4U * 64 + 4);
  EXPECT_EQ(StepBuilder::bytes_for(1, 1, 1), 4U + 4 + 16 + 4 + 4);
}

TEST(StepBuilder, RefusesAPlanOfAnotherKind) {
  toy::Device device;
  auto plan = toy::make_plan(toy::small_options());
  plan->symbols.push_back({"Z", 1});
  EXPECT_THROW(StepBuilder(*plan, device), Error);
  plan = toy::make_plan(toy::small_options());
  plan->bindings.pop_back();
  EXPECT_THROW(StepBuilder(*plan, device), Error);
  EXPECT_THROW(StepBuilder::limit(*plan, "Z"), Error);
}

}  // namespace
}  // namespace lathe
