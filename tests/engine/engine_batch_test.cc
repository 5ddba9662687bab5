// Many requests at once: each must get what it gets alone.
#include <thread>

#include "engine/engine_fixture.h"

namespace lathe::toy {
namespace {

SamplingParameters some_sampling(std::mt19937_64& random) {
  const SamplingParameters choices[] = {
      {},
      {.temperature = 1},
      {.temperature = 0.8, .top_k = 40, .top_p = 0.95},
      {.temperature = 1.2, .top_p = 0.9},
      {.temperature = 1, .min_p = 0.1},
      {.temperature = 1, .repetition_penalty = 1.2, .presence_penalty = 0.5}};
  auto result = choices[random() % std::size(choices)];
  result.seed = random();
  return result;
}

struct Shape {
  std::int32_t cache_tokens;
  std::int32_t step_tokens;
  std::int32_t sequences;
};

class BatchTest : public EngineTest, public testing::WithParamInterface<Shape> {
 protected:
  void SetUp() override {
    auto chosen = small_options();
    chosen.cache_tokens = GetParam().cache_tokens;
    chosen.step_tokens = GetParam().step_tokens;
    chosen.sequences = GetParam().sequences;
    use(chosen);
  }

  /// Prompts that share beginnings, and settings of every kind.
  GenerationRequest some_request() {
    std::vector<TokenId> prompt(base.begin(),
                                base.begin() + static_cast<std::ptrdiff_t>(random() % base.size()));
    const auto more = random_tokens(1 + random() % 150);
    prompt.insert(prompt.end(), more.begin(), more.end());
    auto result = request(prompt, static_cast<std::int32_t>(random() % 120));
    if (result.max_tokens == 0) result.max_tokens = 150;
    result.sampling = some_sampling(random);
    result.end_ids = {static_cast<TokenId>(random() % 290)};
    return result;
  }

  std::vector<TokenId> base = random_tokens(200);
};

TEST_P(BatchTest, EverySequenceIsAsAlone) {
  for (int round = 0; round < 3; ++round) {
    std::vector<GenerationRequest> requests;
    std::vector<std::unique_ptr<Generation>> generations;
    for (int i = 0; i < 12; ++i) {
      requests.push_back(some_request());
      generations.push_back(engine->submit(requests.back()));
    }
    for (std::size_t i = 0; i < requests.size(); ++i)
      ASSERT_EQ(collect(*generations[i]), answer_alone(requests[i], context())) << "request " << i;
  }
  engine->clear_kept_prefixes();
  EXPECT_EQ(engine->cache_statistics().pages_in_use, 0);
}

TEST_P(BatchTest, CancelledOnesLeaveTheOthersAlone) {
  std::vector<GenerationRequest> requests;
  std::vector<std::unique_ptr<Generation>> generations;
  for (int i = 0; i < 24; ++i) {
    requests.push_back(some_request());
    generations.push_back(engine->submit(requests.back()));
  }
  std::thread canceller([&] {
    for (std::size_t i = 0; i < generations.size(); ++i) {
      if (i % 3 == 0) generations[i]->cancel();
      if (i % 3 == 1) generations[i].reset();
    }
  });
  canceller.join();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (!generations[i]) continue;
    const auto expected = answer_alone(requests[i], context());
    const auto got = collect(*generations[i]);
    if (got.finish != FinishReason::cancelled) {
      EXPECT_EQ(got, expected);
      continue;
    }
    EXPECT_EQ(i % 3, 0U);
    ASSERT_LE(got.tokens.size(), expected.tokens.size());
    EXPECT_TRUE(std::equal(got.tokens.begin(), got.tokens.end(), expected.tokens.begin()));
  }
  engine->clear_kept_prefixes();
  // Those whose generation is gone end with the next step, which this call may have come before.
  const auto last = request({1, 2, 3}, 3);
  EXPECT_EQ(answer(last), answer_alone(last, context()));
  engine->clear_kept_prefixes();
  EXPECT_EQ(engine->cache_statistics().pages_in_use, 0);
}

TEST_P(BatchTest, ManyThreadsAsk) {
  std::vector<GenerationRequest> requests;
  for (int i = 0; i < 16; ++i) requests.push_back(some_request());
  std::vector<Answer> answers(requests.size());
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < requests.size(); i += 4) {
        const auto generation = engine->submit(requests[i]);
        answers[i] = collect(*generation);
        EXPECT_LE(engine->cache_statistics().pages_in_use, engine->cache_statistics().pages);
        EXPECT_GE(generation->times().generated_tokens, 1);
      }
    });
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < requests.size(); ++i)
    EXPECT_EQ(answers[i], answer_alone(requests[i], context()));
}

// From room for all to a cache that one sequence can fill; chunks of one token to whole prompts.
INSTANTIATE_TEST_SUITE_P(Shapes, BatchTest,
                         testing::Values(Shape{4000, 512, 4}, Shape{4000, 1, 4}, Shape{1000, 7, 4},
                                         Shape{700, 64, 4}, Shape{512, 512, 8}, Shape{512, 100, 1},
                                         Shape{512, 9, 16}),
                         [](const auto& item) {
                           return "cache" + std::to_string(item.param.cache_tokens) + "step" +
                                  std::to_string(item.param.step_tokens) + "sequences" +
                                  std::to_string(item.param.sequences);
                         });

TEST_F(EngineTest, DecodesAllSequencesInOneStep) {
  use(small_options());
  std::vector<std::unique_ptr<Generation>> generations;
  // The engine's thread is busy meanwhile, so it finds all four at once.
  engine->evaluate(std::vector<TokenId>{1}, 0, [&](std::int32_t, std::span<const float>) {
    for (int i = 0; i < 4; ++i) generations.push_back(engine->submit(request(random_tokens(20), 50)));
  });
  for (auto& generation : generations) collect(*generation);
  std::int64_t most = 0;
  for (const auto& step : device->steps()) {
    most = std::max(most, step.rows);
    EXPECT_LE(step.tokens, options.step_tokens);
    EXPECT_LE(step.sequences, options.sequences);
  }
  EXPECT_EQ(most, 4);
}

TEST_F(EngineTest, FailureBesideOthersFailsOnlyWhatRanWithIt) {
  use(small_options());
  const auto good = request(random_tokens(30), 20);
  EXPECT_EQ(answer(good), answer_alone(good, context()));
  const auto bad = engine->submit(request({5, kFailingToken}, 5));
  EXPECT_EQ(bad->next().finish, FinishReason::failed);
  EXPECT_EQ(answer(good), answer_alone(good, context()));
  EXPECT_EQ(times.reused_tokens, 29);
}

}  // namespace
}  // namespace lathe::toy
