#include "engine/prefix_store.h"

#include <gtest/gtest.h>

#include <numeric>

namespace lathe {
namespace {

class PrefixStoreTest : public testing::Test {
 protected:
  std::vector<TokenId> tokens(int count, TokenId first = 0) {
    std::vector<TokenId> result(static_cast<std::size_t>(count));
    std::iota(result.begin(), result.end(), first);
    return result;
  }
  std::vector<std::int32_t> take(int count) {
    std::vector<std::int32_t> pages;
    for (int i = 0; i < count; ++i) pages.push_back(*cache.take());
    return pages;
  }
  std::vector<std::int32_t> keep(std::vector<TokenId> sequence) {
    const auto pages = take(pages_for(static_cast<std::int32_t>(sequence.size())));
    store.keep(std::move(sequence), pages);
    return pages;
  }
  std::vector<TokenId> with(std::vector<TokenId> sequence, TokenId last) {
    sequence.push_back(last);
    return sequence;
  }
  void release(const PrefixStore::Reuse& reuse) {
    for (const auto page : reuse.pages) cache.release(page);
  }

  KvCache cache{10};
  PrefixStore store{cache};
};

TEST_F(PrefixStoreTest, SharesFullPagesAndTakesThePartialOneOver) {
  const auto pages = keep(tokens(150));
  const auto reuse = store.reuse(with(tokens(150), 999));
  EXPECT_EQ(reuse.tokens, 150);
  EXPECT_EQ(reuse.pages, pages);
  EXPECT_FALSE(cache.has_one_holder(pages[0]));
  EXPECT_FALSE(cache.has_one_holder(pages[1]));
  EXPECT_TRUE(cache.has_one_holder(pages[2]));  // the sequence alone: it will be written
}

TEST_F(PrefixStoreTest, LastTokenIsAlwaysComputed) {
  keep(tokens(128));
  const auto reuse = store.reuse(tokens(128));
  EXPECT_EQ(reuse.tokens, 127);
  EXPECT_EQ(store.reuse(tokens(1)).tokens, 0);
  EXPECT_EQ(store.reuse({}).tokens, 0);
}

TEST_F(PrefixStoreTest, PartialPageOfAnotherIsNotTaken) {
  const auto pages = keep(tokens(100));
  const auto first = store.reuse(with(tokens(100), 999));
  EXPECT_EQ(first.tokens, 100);
  const auto second = store.reuse(with(tokens(100), 998));
  EXPECT_EQ(second.tokens, 64);
  EXPECT_EQ(second.pages, std::vector<std::int32_t>{pages[0]});
}

TEST_F(PrefixStoreTest, LongKeptSequenceIsNotCutForFewTokens) {
  keep(tokens(400));
  auto prompt = tokens(70);
  prompt.resize(80, 999);
  const auto reuse = store.reuse(prompt);
  EXPECT_EQ(reuse.tokens, 64);
  EXPECT_EQ(store.reuse(with(tokens(400), 1)).tokens, 400);
}

TEST_F(PrefixStoreTest, TakesTheLongestMatch) {
  keep(tokens(64));
  auto other = tokens(64);
  other.back() = 999;
  keep(other);
  keep(tokens(130));
  EXPECT_EQ(store.reuse(with(tokens(130), 5)).tokens, 130);
  EXPECT_EQ(store.reuse(with(other, 5)).tokens, 64);
}

TEST_F(PrefixStoreTest, SequencesThatBeginAnotherAreNotKeptTwice) {
  keep(tokens(70));
  keep(tokens(140));
  EXPECT_EQ(store.size(), 1U);
  EXPECT_EQ(cache.statistics().pages_in_use, 3);
  keep(tokens(100));
  EXPECT_EQ(store.size(), 1U);
  EXPECT_EQ(cache.statistics().pages_in_use, 3);
}

TEST_F(PrefixStoreTest, EvictsFromTheEndOfTheLeastRecentlyUsed) {
  keep(tokens(128));
  keep(tokens(128, 1000));
  release(store.reuse(with(tokens(128), 5)));  // now the first is the more recent
  ASSERT_TRUE(store.evict_page());
  EXPECT_EQ(store.pages_shared_with_sequences(with(tokens(128, 1000), 5)), 0);
  const auto cut = store.reuse(with(tokens(128, 1000), 5));
  EXPECT_EQ(cut.tokens, 64);
  release(cut);
  const auto whole = store.reuse(with(tokens(128), 5));
  EXPECT_EQ(whole.tokens, 128);
  release(whole);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(store.evict_page());
  EXPECT_FALSE(store.evict_page());
  EXPECT_EQ(cache.statistics().pages_in_use, 0);
}

TEST_F(PrefixStoreTest, PagesOfRunningSequencesAreNotEvicted) {
  const auto pages = keep(tokens(128));
  const auto reuse = store.reuse(with(tokens(128), 5));
  EXPECT_EQ(store.pages_shared_with_sequences(with(tokens(128), 7)), 2);
  EXPECT_FALSE(store.evict_page());
  EXPECT_EQ(cache.statistics().pages_in_use, 2);
  EXPECT_EQ(store.size(), 1U);
  store.clear();
  EXPECT_EQ(cache.statistics().pages_in_use, 2);
  release(reuse);
  EXPECT_EQ(cache.statistics().pages_in_use, 0);
}

}  // namespace
}  // namespace lathe
