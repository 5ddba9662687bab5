// Logits at every position, and engines without a cache.
#include "base/error.h"
#include "engine/engine_fixture.h"

namespace lathe::toy {
namespace {

class EvaluateTest : public EngineTest {
 protected:
  EngineOptions without_cache() {
    auto chosen = small_options();
    chosen.cache.off = true;
    chosen.step_tokens = chosen.context_tokens;
    return chosen;
  }

  void expect_logits(const std::vector<TokenId>& ids, std::int32_t chunk, std::int32_t first = 0) {
    std::int32_t next = first;
    engine->evaluate(
        ids, chunk,
        [&](std::int32_t position, std::span<const float> logits) {
          ASSERT_EQ(position, next++);
          const auto expected = logits_behind(std::span(ids).first(static_cast<std::size_t>(position) + 1));
          ASSERT_TRUE(std::equal(logits.begin(), logits.end(), expected.begin(), expected.end())) << position;
        },
        first);
    EXPECT_EQ(next, static_cast<std::int32_t>(ids.size()));
  }
};

TEST_F(EvaluateTest, SameLogitsInChunksOfAnySize) {
  use(small_options());
  for (const std::size_t length : {1U, 16U, 64U, 65U, 250U}) {
    const auto ids = random_tokens(length);
    for (const std::int32_t chunk : {0, 1, 7, 16, 17, 64, 100}) expect_logits(ids, chunk);
  }
  EXPECT_EQ(engine->cache_statistics().pages_in_use, 0);
}

TEST_F(EvaluateTest, StepsHaveTheChunksTokens) {
  use(small_options());
  expect_logits(random_tokens(100), 50);
  for (const auto& step : device->steps()) {
    EXPECT_EQ(step.tokens, 50);
    EXPECT_LE(step.rows, 16);
  }
  const auto before = device->steps().size();
  expect_logits(random_tokens(100), 0);
  EXPECT_EQ(device->steps()[before].tokens, 16);  // out_rows
}

TEST_F(EvaluateTest, NoLogitsBeforeTheFirstWantedPosition) {
  use(small_options());
  const auto ids = random_tokens(250);
  for (const std::int32_t first : {1, 16, 63, 125, 249})
    for (const std::int32_t chunk : {0, 1, 17, 100}) expect_logits(ids, chunk, first);
  const auto before = device->steps().size();
  expect_logits(ids, 0, 125);
  const auto all = device->steps();
  const auto steps = std::span(all).subspan(before);
  EXPECT_EQ(steps[0].tokens, 100);  // step_tokens
  EXPECT_EQ(steps[0].rows, 0);
  EXPECT_EQ(steps[1].tokens, 25);
  EXPECT_EQ(steps[1].rows, 0);
  EXPECT_EQ(steps[2].tokens, 16);
  EXPECT_EQ(steps[2].rows, 16);
}

TEST_F(EvaluateTest, RunningSequencesComeOutTheSame) {
  auto chosen = small_options();
  chosen.cache_tokens = 512;
  use(chosen);
  std::vector<GenerationRequest> requests;
  std::vector<std::unique_ptr<Generation>> generations;
  for (int i = 0; i < 4; ++i) {
    requests.push_back(request(random_tokens(100), 200));
    generations.push_back(engine->submit(requests.back()));
  }
  generations[0]->next();
  for (int i = 0; i < 3; ++i) expect_logits(random_tokens(400), 100);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto expected = answer_alone(requests[i], context());
    if (i == 0) expected.tokens.erase(expected.tokens.begin());
    EXPECT_EQ(collect(*generations[i]), expected);
  }
}

TEST_F(EvaluateTest, RefusesBadArgumentsAndPassesExceptionsOn) {
  use(small_options());
  const auto nothing = [](std::int32_t, std::span<const float>) {};
  EXPECT_THROW(engine->evaluate(std::vector<TokenId>{}, 0, nothing), Error);
  EXPECT_THROW(engine->evaluate(std::vector<TokenId>{-1}, 0, nothing), Error);
  EXPECT_THROW(engine->evaluate(std::vector<TokenId>{1}, -1, nothing), Error);
  EXPECT_THROW(engine->evaluate(std::vector<TokenId>{1}, 101, nothing), Error);
  EXPECT_THROW(engine->evaluate(random_tokens(1001), 0, nothing), Error);
  EXPECT_THROW(engine->evaluate(random_tokens(10), 0, nothing, 10), Error);
  EXPECT_THROW(engine->evaluate(random_tokens(10), 0, nothing, -1), Error);
  EXPECT_THROW(engine->evaluate(std::vector<TokenId>{kFailingToken}, 0, nothing), std::logic_error);
  EXPECT_THROW(
      engine->evaluate(std::vector<TokenId>{1}, 0,
                       [](std::int32_t, std::span<const float>) { throw std::length_error("enough"); }),
      std::length_error);
  EXPECT_THROW(engine->evaluate(std::vector<TokenId>{1}, 0,
                                [&](std::int32_t, std::span<const float>) { engine->clear_kept_prefixes(); }),
               Error);
  EXPECT_EQ(engine->cache_statistics().pages_in_use, 0);
  expect_logits(random_tokens(100), 0);
}

TEST_F(EvaluateTest, WithoutCacheTheWholeSequenceAtOnce) {
  use(without_cache());
  expect_logits(random_tokens(100), 7);
  expect_logits(random_tokens(100), 0, 55);
  for (const auto& step : device->steps()) {
    EXPECT_EQ(step.tokens, 100);
    EXPECT_EQ(step.pages, 2);
  }
}

TEST_F(EvaluateTest, WithoutCacheAnswersAreTheSame) {
  use(without_cache());
  std::vector<GenerationRequest> requests;
  std::vector<std::unique_ptr<Generation>> generations;
  for (int i = 0; i < 6; ++i) {
    requests.push_back(request(random_tokens(1 + random() % 100), 30));
    requests.back().sampling = {.temperature = 1, .top_p = 0.9, .seed = random()};
    generations.push_back(engine->submit(requests.back()));
  }
  for (std::size_t i = 0; i < requests.size(); ++i)
    EXPECT_EQ(collect(*generations[i]), answer_alone(requests[i], context()));
  const auto full = request(random_tokens(995), 0);
  EXPECT_EQ(answer(full), answer_alone(full, 1000));
  const auto statistics = engine->cache_statistics();
  EXPECT_EQ(statistics.pages, 0);
  EXPECT_EQ(statistics.pages_in_use, 0);
  EXPECT_EQ(statistics.pages_ever_used, 0);
}

}  // namespace
}  // namespace lathe::toy
