#include "engine/kv_cache.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tensor/cache_type.h"

namespace lathe {
namespace {

TEST(KvCache, PagesForTokens) {
  EXPECT_EQ(pages_for(0), 0);
  EXPECT_EQ(pages_for(1), 1);
  EXPECT_EQ(pages_for(64), 1);
  EXPECT_EQ(pages_for(65), 2);
}

TEST(KvCache, GivesEachPageOnceAndCountsThem) {
  KvCache cache(3);
  EXPECT_EQ(cache.take(), 0);
  EXPECT_EQ(cache.take(), 1);
  EXPECT_EQ(cache.take(), 2);
  EXPECT_EQ(cache.take(), std::nullopt);
  EXPECT_EQ(cache.statistics().pages_in_use, 3);
  cache.release(1);
  EXPECT_EQ(cache.statistics().pages_in_use, 2);
  EXPECT_EQ(cache.statistics().pages_ever_used, 3);
  EXPECT_EQ(cache.take(), 1);
}

TEST(KvCache, PageIsFreeWhenItsLastHolderLetsGo) {
  KvCache cache(1);
  const auto page = *cache.take();
  cache.hold(page);
  cache.keep(page);
  EXPECT_FALSE(cache.has_one_holder(page));
  cache.release(page);
  EXPECT_EQ(cache.available(), 0);
  cache.release(page);
  EXPECT_EQ(cache.available(), 1);
  EXPECT_EQ(cache.evictable(), 1);
  EXPECT_TRUE(cache.has_one_holder(page));
  EXPECT_EQ(cache.take(), std::nullopt);
  cache.hold(page);  // a new sequence shares the kept page
  EXPECT_FALSE(cache.forget(page));
  EXPECT_EQ(cache.available(), 0);
  cache.release(page);
  EXPECT_EQ(cache.statistics().pages_in_use, 0);
  EXPECT_EQ(cache.take(), page);
}

TEST(KvCache, LettingGoTwiceIsCaught) {
  KvCache cache(1);
  const auto page = *cache.take();
  cache.release(page);
  EXPECT_THROW(cache.release(page), Error);
  EXPECT_THROW(cache.forget(page), Error);
  EXPECT_THROW(cache.hold(page), Error);
}

TEST(CacheGeometry, BytesOfAPage) {
  EXPECT_EQ((CacheGeometry{30, 3, 64, Dtype::f16, false}.page_bytes()), 30U * 2 * 3 * 64 * 64 * 2);
  EXPECT_EQ((CacheGeometry{30, 3, 64, Dtype::bf16, false}.page_bytes()), 30U * 2 * 3 * 64 * 64 * 2);
  EXPECT_EQ((CacheGeometry{30, 3, 64, kCacheOfQ8, false}.page_bytes()), 30U * 2 * 3 * 64 * 64 * 34 / 32);
  EXPECT_EQ((CacheGeometry{30, 3, 64, kCacheOfQ4, false}.page_bytes()), 30U * 2 * 3 * 64 * 64 * 10 / 16);
  EXPECT_THROW((CacheGeometry{30, 3, 80, kCacheOfQ4, false}.page_bytes()), Error);
  EXPECT_EQ((CacheGeometry{30, 3, 64, Dtype::f32, true}.page_bytes()), 0U);
  EXPECT_THROW((CacheGeometry{30, 0, 64, Dtype::f16, false}.page_bytes()), Error);
  EXPECT_THROW((CacheGeometry{30, 3, 64, Dtype::i8, false}.page_bytes()), Error);
  EXPECT_THROW((CacheGeometry{2147483647, 2147483647, 2147483647, Dtype::f32, false}.page_bytes()), Error);
}

}  // namespace
}  // namespace lathe
