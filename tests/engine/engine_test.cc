// One request at a time: how answers begin, end and fail, and what they cost.
#include "engine/engine.h"

#include "base/error.h"
#include "engine/engine_fixture.h"

namespace lathe::toy {
namespace {

TEST_F(EngineTest, AnswersAsTheModelAloneDoes) {
  use(small_options());
  for (const std::size_t length : {1U, 63U, 64U, 65U, 99U, 100U, 101U, 500U}) {
    const auto wanted = request(random_tokens(length), 40);
    EXPECT_EQ(answer(wanted), answer_alone(wanted, context())) << length;
  }
}

TEST_F(EngineTest, EndsOnAnyEndToken) {
  use(small_options());
  auto wanted = request(random_tokens(20), 50);
  const auto all = answer_alone(wanted, context()).tokens;
  wanted.end_ids = {291, all[30], all[12]};
  const auto got = answer(wanted);
  EXPECT_EQ(got, answer_alone(wanted, context()));
  EXPECT_EQ(got.finish, FinishReason::end_token);
  EXPECT_EQ(got.tokens.back(), wanted.end_ids[got.tokens.back() == all[12] ? 2 : 1]);
  EXPECT_LE(got.tokens.size(), 13U);
}

TEST_F(EngineTest, LengthAndContextAreExact) {
  use(small_options());
  EXPECT_EQ(answer(request(random_tokens(10), 1)).tokens.size(), 1U);
  const auto by_length = answer(request(random_tokens(990), 10));
  EXPECT_EQ(by_length.finish, FinishReason::length);
  EXPECT_EQ(by_length.tokens.size(), 10U);
  for (const std::int32_t most : {0, 11}) {
    const auto by_context = answer(request(random_tokens(990), most));
    EXPECT_EQ(by_context.finish, FinishReason::context_full);
    EXPECT_EQ(by_context.tokens.size(), 10U);
  }
  EXPECT_EQ(answer(request(random_tokens(1000), 5)), (Answer{{}, FinishReason::context_full}));
}

TEST_F(EngineTest, SmallCacheShortensTheContext) {
  auto chosen = small_options();
  chosen.cache_tokens = 250;  // four pages
  use(chosen);
  EXPECT_EQ(engine->cache_statistics().pages, 4);
  const auto wanted = request(random_tokens(200), 0);
  EXPECT_EQ(answer(wanted), answer_alone(wanted, 256));
  EXPECT_THROW(engine->submit(request(random_tokens(257), 0)), Error);
}

TEST_F(EngineTest, RefusesBadRequests) {
  use(small_options());
  const auto refusal = [&](GenerationRequest wanted) -> std::pair<ErrorCode, std::string> {
    try {
      engine->submit(std::move(wanted));
    } catch (const Error& error) {
      return {error.code(), error.place().field + ": " + error.what()};
    }
    return {ErrorCode::internal, "accepted"};
  };
  for (const TokenId id : {-1, kVocabulary, 2147483647}) {
    const auto [code, text] = refusal(request({1, id}, 5));
    EXPECT_EQ(code, ErrorCode::invalid_argument);
    EXPECT_TRUE(text.starts_with("prompt: ") && text.find(std::to_string(id)) != text.npos) << text;
  }
  EXPECT_EQ(refusal(request({}, 5)).first, ErrorCode::invalid_argument);
  EXPECT_EQ(refusal(request({1}, -1)).first, ErrorCode::invalid_argument);
  const auto [code, text] = refusal(request(random_tokens(1001), 5));
  EXPECT_EQ(code, ErrorCode::context_length);
  EXPECT_TRUE(text.find("1001") != text.npos && text.find("1000") != text.npos) << text;
  auto bad_sampling = request({1}, 5);
  bad_sampling.sampling.top_p = 2;
  EXPECT_EQ(refusal(bad_sampling).first, ErrorCode::invalid_argument);
  EXPECT_EQ(answer(request({1}, 5)).tokens.size(), 5U);  // and goes on
}

TEST_F(EngineTest, RefusesOptionsThatDoNotFitThePlan) {
  const auto chosen = small_options();
  const auto plan = make_plan(chosen);
  const auto code = [&](auto change) {
    auto changed = chosen;
    change(changed);
    try {
      Engine(changed, plan, std::make_shared<Device>());
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;
  };
  EXPECT_EQ(code([](auto& o) { o.step_tokens = 101; }), ErrorCode::invalid_argument);
  EXPECT_EQ(code([](auto& o) { o.sequences = 5; }), ErrorCode::invalid_argument);
  EXPECT_EQ(code([](auto& o) { o.out_rows = 17; }), ErrorCode::invalid_argument);
  EXPECT_EQ(code([](auto& o) { o.cache_tokens = 100000; }), ErrorCode::invalid_argument);
  EXPECT_EQ(code([](auto& o) { o.vocabulary = 301; }), ErrorCode::invalid_argument);
  EXPECT_EQ(code([](auto& o) { o.context_tokens = 0; }), ErrorCode::invalid_argument);
  EXPECT_EQ(code([](auto& o) { o.cache.layers = -1; }), ErrorCode::invalid_argument);
  EXPECT_EQ(code([](auto& o) { o.cache.off = true; }), ErrorCode::invalid_argument);  // steps of 100 tokens
}

TEST_F(EngineTest, FailedStepFailsItsRequestAlone) {
  use(small_options());
  auto poisoned = random_tokens(50);
  poisoned[40] = kFailingToken;
  auto generation = engine->submit(request(poisoned, 5));
  const auto event = generation->next();
  EXPECT_EQ(event.finish, FinishReason::failed);
  EXPECT_EQ(event.id, -1);
  EXPECT_NE(event.error.find("asked to fail"), std::string::npos);
  EXPECT_EQ(engine->cache_statistics().pages_in_use, 0);
  const auto wanted = request(random_tokens(50), 5);
  EXPECT_EQ(answer(wanted), answer_alone(wanted, context()));
}

TEST_F(EngineTest, NoPossibleTokenFailsTheRequestAlone) {
  use(small_options());
  for (auto sampling : {SamplingParameters{},
                        {.temperature = 1},
                        {.temperature = 1, .top_k = 40},
                        {.repetition_penalty = 1.1}}) {
    auto bad = request({1, 2, kNanToken}, 5);
    bad.sampling = sampling;
    const auto other = request(random_tokens(30), 40);
    const auto beside = engine->submit(other);
    const auto generation = engine->submit(bad);
    const auto event = generation->next();
    EXPECT_EQ(event.finish, FinishReason::failed);
    EXPECT_NE(event.error.find("NaN"), std::string::npos) << event.error;
    EXPECT_EQ(collect(*beside), answer_alone(other, context()));
  }
}

TEST_F(EngineTest, AfterTheEndNextDoesNotBlock) {
  use(small_options());
  const auto generation = engine->submit(request({1, 2}, 2));
  collect(*generation);
  const auto event = generation->next();
  EXPECT_EQ(event.id, -1);
  EXPECT_EQ(event.finish, FinishReason::length);
}

TEST_F(EngineTest, MeasuresWhatASequenceCosts) {
  use(small_options());
  const auto wanted = request(random_tokens(150), 10);
  answer(wanted);
  EXPECT_EQ(times.prompt_tokens, 150);
  EXPECT_EQ(times.reused_tokens, 0);
  EXPECT_EQ(times.generated_tokens, 10);
  EXPECT_GT(times.prefill_seconds, 0);
  EXPECT_GT(times.decode_seconds, 0);
  EXPECT_EQ(times.bytes_to_host, 10U * 4);
  // 159 tokens with positions, 11 steps with an entry, tables of 2 and then 3 pages, 10 rows.
  EXPECT_EQ(times.bytes_to_device, 4U * (159 * 2 + 11 * 4 + (2 + 10 * 3) + 10));
}

TEST_F(EngineTest, ReadsBackNoMoreThanSamplingNeeds) {
  use(small_options());
  const auto bytes = [&](SamplingParameters sampling) {
    const auto before = device->steps().size();
    auto wanted = request(random_tokens(150), 5);
    wanted.sampling = sampling;
    answer(wanted);
    std::vector<std::uint64_t> result;
    const auto steps = device->steps();
    for (std::size_t i = before; i < steps.size(); ++i) result.push_back(steps[i].bytes_read);
    EXPECT_EQ(steps[before].rows, 0);
    EXPECT_EQ(steps[before].wanted, 0U);  // fills the cache alone
    EXPECT_EQ(result[0], 0U);
    return result[3];
  };
  EXPECT_EQ(bytes({}), 4U);
  EXPECT_EQ(bytes({.temperature = 1, .top_k = 40}), 128U * 8 + 4);
  EXPECT_EQ(bytes({.temperature = 1}), 300U * 4);
  EXPECT_EQ(bytes({.repetition_penalty = 1.1}), 300U * 4);
}

TEST_F(EngineTest, DecodingAllocatesNothing) {
  use(small_options());
  for (auto sampling : {SamplingParameters{},
                        {.temperature = 1, .top_k = 40},
                        {.temperature = 1},
                        {.temperature = 1, .top_p = 0.9, .repetition_penalty = 1.1}}) {
    auto wanted = request(random_tokens(50), 300);
    wanted.sampling = sampling;
    const auto first = device->steps().size();
    answer(wanted);
    const auto steps = device->steps();
    ASSERT_EQ(steps.size() - first, 300U);
    for (std::size_t i = first + 50; i < steps.size(); ++i) EXPECT_EQ(steps[i].allocations_before, 0U) << i;
  }
}

TEST_F(EngineTest, DestructionEndsWhatRuns) {
  use(small_options());
  const auto running = engine->submit(request(random_tokens(10), 0));
  running->next();
  const auto queued = engine->submit(request(random_tokens(10), 0));
  engine.reset();
  EXPECT_NE(collect(*running).finish, FinishReason::failed);
  EXPECT_NE(collect(*queued).finish, FinishReason::failed);
}

}  // namespace
}  // namespace lathe::toy
