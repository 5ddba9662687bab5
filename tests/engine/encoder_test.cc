// The encoder's steps: texts whole and in order, within the step's limits, on pages of their own, whatever
// their number. The device computes a function of each text's ids, and checks the step as it does.
#include "engine/encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <set>
#include <thread>

#include "backend/cache_layout.h"
#include "base/error.h"

namespace lathe {
namespace {

constexpr std::int32_t kDimensions = 3;
constexpr TokenId kFailingToken = 99;
using Texts = std::vector<std::vector<TokenId>>;

/// What a text's embedding is on this device.
std::array<float, kDimensions> embedding_of(std::span<const TokenId> ids) {
  std::array<float, kDimensions> row = {static_cast<float>(ids.size()), static_cast<float>(ids[0]), 0};
  for (std::size_t i = 0; i < ids.size(); ++i)
    row[2] += static_cast<float>(ids[i]) * static_cast<float>(i % 7 + 1);
  return row;
}

struct Step {
  std::int64_t tokens, texts, pages;
};

class Device;

class Context final : public ExecutionContext {
 public:
  Context(std::shared_ptr<const Plan> plan, std::vector<Step>& steps)
      : plan_(std::move(plan)), steps_(steps), bound_(plan_->bindings.size()) {}

  void bind(int binding, const Buffer& buffer, std::uint64_t offset) override {
    bound_[static_cast<std::size_t>(binding)] = static_cast<const std::byte*>(buffer.data()) + offset;
  }
  void run(std::span<const std::int64_t> symbols, std::uint32_t wanted) override {
    const auto symbol = [&](const char* name) {
      return symbols[static_cast<std::size_t>(plan_->symbol(name))];
    };
    EXPECT_EQ(wanted, 1U);
    for (std::size_t i = 0; i < symbols.size(); ++i) EXPECT_LE(symbols[i], plan_->symbols[i].maximum);
    steps_.push_back({symbol("T"), symbol("Q"), symbol("P")});
    const auto ids = input("ids", symbol("T"));
    const auto positions = input("positions", symbol("T"));
    const auto tables = input("block_tables", symbol("B"));
    const auto rows = input("out_rows", symbol("S"));
    const auto* entries = reinterpret_cast<const SequenceEntry*>(input("sequences", 4 * symbol("Q")).data());
    if (std::find(ids.begin(), ids.end(), kFailingToken) != ids.end())
      throw Error(ErrorCode::internal, "the device was asked to fail");
    output_.clear();
    std::set<std::int32_t> used;
    std::int32_t next = 0;
    for (std::int64_t q = 0; q < symbol("Q"); ++q) {
      const SequenceEntry& entry = entries[q];
      EXPECT_EQ(entry.first_token, next);
      EXPECT_EQ(entry.past, 0);
      EXPECT_EQ(rows[static_cast<std::size_t>(q)], entry.first_token);
      next += entry.tokens;
      const auto own =
          ids.subspan(static_cast<std::size_t>(entry.first_token), static_cast<std::size_t>(entry.tokens));
      for (std::int32_t i = 0; i < entry.tokens; ++i) {
        EXPECT_EQ(positions[static_cast<std::size_t>(entry.first_token + i)], i);
        if (i % kPageTokens != 0) continue;
        const auto page = tables[static_cast<std::size_t>(entry.first_page_entry + i / kPageTokens)];
        EXPECT_TRUE(page >= 0 && page < symbol("P") && used.insert(page).second) << page;
      }
      const auto row = embedding_of(own);
      output_.insert(output_.end(), row.begin(), row.end());
    }
    EXPECT_EQ(next, symbol("T"));
  }
  void read_output(int, std::span<std::byte> bytes) override {
    ASSERT_EQ(bytes.size(), output_.size() * sizeof(float));
    std::memcpy(bytes.data(), output_.data(), bytes.size());
  }

 private:
  std::span<const std::int32_t> input(const char* name, std::int64_t count) const {
    return {reinterpret_cast<const std::int32_t*>(bound_[static_cast<std::size_t>(plan_->binding(name))]),
            static_cast<std::size_t>(count)};
  }

  std::shared_ptr<const Plan> plan_;
  std::vector<Step>& steps_;
  std::vector<const std::byte*> bound_;
  std::vector<float> output_;
};

class Device final : public Backend {
 public:
  std::string_view name() const override { return "counting"; }
  Buffer allocate(std::size_t bytes) override {
    return Buffer(std::aligned_alloc(64, (bytes + 63) / 64 * 64), bytes, false,
                  [](void* data, std::size_t) { std::free(data); });
  }
  std::optional<Buffer> share(std::span<const std::byte>, std::shared_ptr<const void>) override { return {}; }
  void write(const Buffer& buffer, std::uint64_t offset, std::span<const std::byte> host) override {
    ASSERT_LE(offset + host.size(), buffer.bytes());
    std::memcpy(static_cast<std::byte*>(buffer.data()) + offset, host.data(), host.size());
  }
  void read(const Buffer&, std::uint64_t, std::span<std::byte>) override {}
  Traffic traffic() const override { return {}; }
  std::span<const Kernel> kernels() const override { return {}; }
  std::unique_ptr<ExecutionContext> create_context(std::shared_ptr<const Plan> plan,
                                                   ContextOptions) override {
    return std::make_unique<Context>(std::move(plan), steps);
  }

  std::vector<Step> steps;
};

EncoderOptions small_options() { return {100, kDimensions, 130, 200, 4}; }

std::shared_ptr<Plan> make_plan(const EncoderOptions& options) {
  auto plan = std::make_shared<Plan>();
  plan->symbols = symbol_limits(options);
  std::reverse(plan->symbols.begin(), plan->symbols.end());
  const auto add = [&](const char* name, ValueType type) {
    plan->tensors.push_back({name, std::move(type), Place::bound, 0, 0, 0});
    return static_cast<std::int32_t>(plan->tensors.size()) - 1;
  };
  plan->bindings = {add("out_rows", {Dtype::i32, {"S"}}), add("ids", {Dtype::i32, {"T"}}),
                    add("positions", {Dtype::i32, {"T"}}), add("sequences", {Dtype::i32, {"Q", 4}}),
                    add("block_tables", {Dtype::i32, {"B"}})};
  plan->outputs = {{"embeddings", add("embeddings", {Dtype::f32, {"Q", options.dimensions}})}};
  return plan;
}

class EncoderTest : public testing::Test {
 protected:
  std::vector<float> run(const Texts& texts) { return encoder.run(texts); }

  static void expect_rows(const Texts& texts, const std::vector<float>& embeddings) {
    ASSERT_EQ(embeddings.size(), texts.size() * kDimensions);
    for (std::size_t i = 0; i < texts.size(); ++i)
      EXPECT_TRUE(std::ranges::equal(embedding_of(texts[i]),
                                     std::span(embeddings).subspan(i * kDimensions, kDimensions)))
          << i;
  }

  ErrorCode refusal(const Texts& texts) {
    try {
      run(texts);
    } catch (const Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "nothing was thrown";
    return ErrorCode::internal;
  }

  std::shared_ptr<Device> device = std::make_shared<Device>();
  Encoder encoder{small_options(), make_plan(small_options()), device};
};

TEST_F(EncoderTest, TextsOfAnyLengthComeBackInOrder) {
  Texts texts;
  for (const std::size_t length :
       {1, 64, 65, 130, 2, 3, 4, 5, 6, 127, 128, 129, 1, 1, 1, 1, 1, 1, 60, 70, 70})
    texts.emplace_back(length, static_cast<TokenId>(texts.size()));
  expect_rows(texts, run(texts));
  std::int64_t tokens = 0;
  for (const Step& step : device->steps) {
    EXPECT_LE(step.tokens, 200);
    EXPECT_LE(step.texts, 4);
    tokens += step.tokens;
  }
  EXPECT_EQ(tokens, 870);
}

TEST_F(EncoderTest, FillsItsSteps) {
  run(Texts(4, {1, 2, 3}));
  run(Texts(9, {1, 2, 3}));
  run(Texts(2, std::vector<TokenId>(100, 5)));
  std::vector<std::int64_t> counts;
  for (const Step& step : device->steps) counts.push_back(step.texts);
  EXPECT_THAT(counts, testing::ElementsAre(4, 4, 4, 1, 2));
  EXPECT_EQ(device->steps.back().pages, 4);
}

TEST_F(EncoderTest, NoTextsAreNoSteps) {
  EXPECT_TRUE(run({}).empty());
  EXPECT_TRUE(device->steps.empty());
}

TEST_F(EncoderTest, RefusesTextsBeforeAnythingIsComputed) {
  EXPECT_EQ(refusal({{1}, {}}), ErrorCode::invalid_argument);
  EXPECT_EQ(refusal({{1}, {-1}}), ErrorCode::invalid_argument);
  EXPECT_EQ(refusal({{1}, {2, 100}}), ErrorCode::invalid_argument);
  EXPECT_EQ(refusal({{1}, std::vector<TokenId>(131, 1)}), ErrorCode::context_length);
  EXPECT_TRUE(device->steps.empty());
}

TEST_F(EncoderTest, GoesOnAfterAFailure) {
  EXPECT_EQ(refusal({{kFailingToken}}), ErrorCode::internal);
  expect_rows({{7, 8}}, run({{7, 8}}));
}

TEST_F(EncoderTest, ServesSeveralThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([this, t] {
      const Texts texts(10,
                        std::vector<TokenId>(static_cast<std::size_t>(20 * t + 1), static_cast<TokenId>(t)));
      for (int i = 0; i < 20; ++i) expect_rows(texts, run(texts));
    });
  for (auto& thread : threads) thread.join();
}

TEST_F(EncoderTest, RefusesOptionsAndPlansThatDoNotFit) {
  const auto message = [](EncoderOptions options, const std::shared_ptr<Plan>& plan) {
    try {
      Encoder(options, plan, std::make_shared<Device>());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  const auto plan = make_plan(small_options());
  auto options = small_options();
  options.step_tokens = 129;
  EXPECT_THAT(message(options, plan), testing::HasSubstr("step_tokens must be at least 130"));
  options = small_options();
  options.step_tokens = 201;
  EXPECT_THAT(message(options, plan), testing::HasSubstr("T must be at least 201"));
  options = small_options();
  options.texts = 5;
  EXPECT_THAT(message(options, plan), testing::HasSubstr("must be at least"));
  options = small_options();
  options.dimensions = 4;
  EXPECT_THAT(message(options, plan), testing::HasSubstr("f32[Q, 3], not f32[Q, 4]"));
}

}  // namespace
}  // namespace lathe
