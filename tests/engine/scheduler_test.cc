#include "engine/scheduler.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace lathe {
namespace {

constexpr std::int32_t kContext = 640;

/// A scheduler whose steps are carried out on paper.
class SchedulerTest : public testing::Test {
 protected:
  void use(std::int32_t pages, SchedulerLimits limits) {
    cache = std::make_unique<KvCache>(pages);
    kept = std::make_unique<PrefixStore>(*cache);
    scheduler = std::make_unique<Scheduler>(limits, *cache, *kept);
  }

  /// A sequence whose tokens no other one has.
  Sequence* add(std::int32_t prompt_tokens, std::int32_t max_tokens = 0) {
    GenerationRequest request;
    for (std::int32_t i = 0; i < prompt_tokens; ++i) request.prompt.push_back(1000 * added_ + i);
    ++added_;
    request.max_tokens = max_tokens;
    auto sequence = std::make_unique<Sequence>(std::move(request), kContext);
    auto* raw = sequence.get();
    scheduler->add(std::move(sequence));
    return raw;
  }

  /// Schedules and computes one step; returns how many tokens each sequence got.
  std::map<Sequence*, std::int32_t> step() {
    std::map<Sequence*, std::int32_t> got;
    const auto scheduled = scheduler->schedule();
    const std::vector<ScheduledSequence> items(scheduled.begin(), scheduled.end());
    for (const auto& [sequence, tokens] : items) {
      got[sequence] = tokens;
      const bool samples = tokens == sequence->pending();
      if (cache->pages() > 0) {
        EXPECT_GE(static_cast<std::int32_t>(sequence->pages.size()), pages_for(sequence->cached + tokens));
        sequence->cached += tokens;
      }
      if (samples && sequence->accept(7) != FinishReason::none) {
        finished.insert(sequence);
        scheduler->remove(*sequence, true);
      }
    }
    return got;
  }

  std::unique_ptr<KvCache> cache;
  std::unique_ptr<PrefixStore> kept;
  std::unique_ptr<Scheduler> scheduler;
  std::set<Sequence*> finished;
  std::int32_t added_ = 0;
};

using Got = std::map<Sequence*, std::int32_t>;

TEST_F(SchedulerTest, CutsPromptsIntoChunksInOrderOfArrival) {
  use(100, {100, 4});
  auto* a = add(150);
  auto* b = add(30);
  EXPECT_EQ(step(), (Got{{a, 100}}));
  EXPECT_EQ(step(), (Got{{a, 50}, {b, 30}}));
  EXPECT_EQ(step(), (Got{{a, 1}, {b, 1}}));
}

TEST_F(SchedulerTest, DecodingGoesOnWhilePromptsFillTheRest) {
  use(100, {64, 4});
  auto* a = add(10);
  step();
  auto* b = add(200);
  EXPECT_EQ(step(), (Got{{a, 1}, {b, 63}}));
  EXPECT_EQ(step(), (Got{{a, 1}, {b, 63}}));
}

TEST_F(SchedulerTest, RunsNoMoreSequencesThanAllowed) {
  use(100, {64, 2});
  add(5, 1);
  add(5);
  auto* c = add(5);
  EXPECT_EQ(step().size(), 2U);
  EXPECT_EQ(finished.size(), 1U);
  EXPECT_TRUE(step().contains(c));
}

TEST_F(SchedulerTest, PromptWaitsUntilItFitsWhole) {
  use(4, {1000, 4});
  auto* a = add(150);  // 3 pages
  auto* b = add(100);  // 2 pages
  EXPECT_EQ(step(), (Got{{a, 150}}));
  EXPECT_EQ(step(), (Got{{a, 1}}));
  EXPECT_EQ(scheduler->waiting(), 1U);
  scheduler->remove(*a, true);
  EXPECT_EQ(step(), (Got{{b, 100}}));  // evicts of what the first left
  EXPECT_EQ(cache->statistics().pages_in_use, 4);
}

TEST_F(SchedulerTest, YoungestGivesWayToTheOldest) {
  use(4, {1000, 4});
  auto* a = add(100);
  auto* b = add(100);
  EXPECT_EQ(step().size(), 2U);
  bool preempted = false;
  for (int i = 0; i < 100; ++i) {
    const auto got = step();
    EXPECT_TRUE(got.contains(a)) << i;  // in every step
    preempted = preempted || scheduler->waiting() == 1;
  }
  EXPECT_TRUE(preempted);
  EXPECT_EQ(a->tokens.size(), 201U);
  scheduler->remove(*a, true);
  step();
  // The second had lost pages, and has its tokens still.
  EXPECT_EQ(scheduler->running(), 1U);
  EXPECT_GE(b->tokens.size(), 101U);
}

TEST_F(SchedulerTest, PreemptedSequenceFindsWhatNobodyNeeded) {
  use(6, {1000, 4});
  auto* a = add(190);  // 3 pages, soon 4
  auto* b = add(190);
  step();
  for (int i = 0; i < 3; ++i) step();
  // The first took one page of the second; the other two are still there.
  EXPECT_EQ(a->pages.size(), 4U);
  scheduler->remove(*a, false);
  step();
  EXPECT_EQ(scheduler->running(), 1U);
  EXPECT_EQ(b->times.reused_tokens, 0);  // counts the prompt's first time alone
  EXPECT_GE(b->cached, 128);
}

TEST_F(SchedulerTest, EverythingFinishesWhateverTheCache) {
  for (const std::int32_t pages : {10, 11, 13, 20}) {
    for (const std::int32_t step_tokens : {4, 7, 64, 1000}) {
      use(pages, {step_tokens, 4});
      finished.clear();
      for (int i = 0; i < 12; ++i) add(1 + (i * 97) % 630, i % 3 == 0 ? 0 : 1 + i * 11);
      int steps = 0;
      while (!scheduler->idle() && ++steps < 100000) ASSERT_FALSE(step().empty());
      EXPECT_EQ(finished.size(), 12U) << pages << " pages, steps of " << step_tokens;
      kept->clear();
      EXPECT_EQ(cache->statistics().pages_in_use, 0);
    }
  }
}

TEST_F(SchedulerTest, WithoutCacheEachSequenceHasItsTurn) {
  use(0, {640, 4});
  auto* a = add(10);
  auto* b = add(20);
  std::map<Sequence*, int> turns;
  for (int i = 0; i < 10; ++i) {
    const auto got = step();
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got.begin()->second, got.begin()->first->pending() - 1);  // whole; one was added since
    ++turns[got.begin()->first];
  }
  EXPECT_EQ(turns, (std::map<Sequence*, int>{{a, 5}, {b, 5}}));
}

TEST_F(SchedulerTest, RemovesWaitingAndRunning) {
  use(10, {64, 1});
  auto* a = add(10);
  auto* b = add(10);
  step();
  b->stream->cancel();
  EXPECT_EQ(scheduler->find_cancelled(), b);
  scheduler->remove(*b, true);
  EXPECT_EQ(scheduler->find_cancelled(), nullptr);
  scheduler->remove(*a, false);
  EXPECT_TRUE(scheduler->idle());
  EXPECT_EQ(cache->statistics().pages_in_use, 0);
}

TEST_F(SchedulerTest, TakesPagesFromTheYoungest) {
  use(6, {1000, 4});
  add(100);
  auto* b = add(150);
  step();
  const auto pages = scheduler->take_pages(3);
  EXPECT_EQ(pages.size(), 3U);
  EXPECT_EQ(std::set<std::int32_t>(pages.begin(), pages.end()).size(), 3U);
  EXPECT_EQ(scheduler->running(), 1U);
  EXPECT_TRUE(b->pages.empty());
  EXPECT_EQ(b->cached, 0);
}

TEST_F(SchedulerTest, PreemptedInAStepIsNotInIt) {
  use(6, {1000, 4});
  auto* a = add(100);
  auto* b = add(150);
  step();
  // Many tokens at once for the older one, while the younger one decodes.
  a->tokens.insert(a->tokens.end(), 200, 5);
  EXPECT_EQ(step(), (Got{{a, 201}}));
  EXPECT_TRUE(b->pages.empty());
  EXPECT_EQ(scheduler->waiting(), 1U);
}

}  // namespace
}  // namespace lathe
