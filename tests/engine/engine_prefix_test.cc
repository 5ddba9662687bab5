// What later prompts find of earlier ones.
#include "engine/engine_fixture.h"

namespace lathe::toy {
namespace {

TEST_F(EngineTest, SecondPromptReusesThePages) {
  use(small_options());
  const auto wanted = request(random_tokens(300), 20);
  const auto first = answer(wanted);
  EXPECT_EQ(times.reused_tokens, 0);
  EXPECT_EQ(answer(wanted), first);
  EXPECT_EQ(times.reused_tokens, 299);  // all but the last, which gives the logits
  const auto steps = device->steps();
  EXPECT_EQ(steps[steps.size() - 20].tokens, 1);
}

TEST_F(EngineTest, ConversationReusesTheAnswerToo) {
  use(small_options());
  auto history = random_tokens(30);
  std::int32_t expected = 0;
  for (int turn = 0; turn < 8; ++turn) {
    const auto wanted = request(history, 33);
    const auto got = answer(wanted);
    EXPECT_EQ(got, answer_alone(wanted, context()));
    EXPECT_EQ(times.reused_tokens, expected);
    history.insert(history.end(), got.tokens.begin(), got.tokens.end());
    expected = static_cast<std::int32_t>(history.size()) - 1;  // the last token was never computed
    const auto more = random_tokens(17);
    history.insert(history.end(), more.begin(), more.end());
  }
}

TEST_F(EngineTest, SharedBeginningsAtEveryPageEdge) {
  use(small_options());
  const auto base = random_tokens(200);
  for (const std::size_t shared : {1U, 62U, 63U, 64U, 65U, 127U, 128U, 129U, 199U}) {
    std::vector<TokenId> prompt(base.begin(), base.begin() + static_cast<std::ptrdiff_t>(shared));
    const auto rest = random_tokens(40);
    prompt.insert(prompt.end(), rest.begin(), rest.end());
    for (const auto& tokens : {base, prompt}) {
      const auto wanted = request(tokens, 30);
      ASSERT_EQ(answer(wanted), answer_alone(wanted, context())) << shared;
      if (tokens == prompt) {
        EXPECT_GE(times.reused_tokens, static_cast<std::int32_t>(shared / 64 * 64));
      }
    }
  }
}

TEST_F(EngineTest, TwoThatShareAPrefixAtOnceDoNotDisturbEachOther) {
  use(small_options());
  const auto base = random_tokens(150);
  answer(request(base, 5));
  std::vector<GenerationRequest> requests;
  std::vector<std::unique_ptr<Generation>> generations;
  for (int i = 0; i < 4; ++i) {
    auto prompt = base;
    prompt.resize(static_cast<std::size_t>(100 + 10 * i));
    prompt.push_back(i);
    requests.push_back(request(prompt, 100));
    generations.push_back(engine->submit(requests.back()));
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(collect(*generations[i]), answer_alone(requests[i], context()));
    EXPECT_GE(generations[i]->times().reused_tokens, 64);
  }
}

TEST_F(EngineTest, ForgottenPrefixesAreComputedAgain) {
  use(small_options());
  const auto wanted = request(random_tokens(200), 10);
  const auto first = answer(wanted);
  EXPECT_GT(engine->cache_statistics().pages_in_use, 0);
  engine->clear_kept_prefixes();
  EXPECT_EQ(engine->cache_statistics().pages_in_use, 0);
  EXPECT_EQ(engine->cache_statistics().pages_ever_used, 4);
  EXPECT_EQ(answer(wanted), first);
  EXPECT_EQ(times.reused_tokens, 0);
}

TEST_F(EngineTest, KeptPrefixesGiveWayToNewPrompts) {
  auto chosen = small_options();
  chosen.cache_tokens = 512;
  use(chosen);
  for (int i = 0; i < 20; ++i) {
    const auto wanted = request(random_tokens(100 + random() % 300), 50);
    ASSERT_EQ(answer(wanted), answer_alone(wanted, context()));
  }
  EXPECT_LE(engine->cache_statistics().pages_in_use, 8);
}

}  // namespace
}  // namespace lathe::toy
