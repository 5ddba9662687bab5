#include "engine/kv_cache.h"

#include <algorithm>

#include "base/checked.h"
#include "base/error.h"
#include "tensor/cache_type.h"

namespace lathe {

std::uint64_t CacheGeometry::page_bytes() const {
  if (off) return 0;
  const bool possible = layers > 0 && kv_heads > 0 && head_dim > 0 && is_cache_dtype(dtype) &&
                        (!is_cache_codes(dtype) || head_dim % kCodeColumns == 0);
  std::optional<std::uint64_t> bytes = info(dtype).block_bytes;
  for (const auto factor :
       {2, kPageTokens / static_cast<int>(info(dtype).block_elements), layers, kv_heads, head_dim})
    bytes = bytes && possible ? checked_multiply(*bytes, static_cast<std::uint64_t>(factor)) : std::nullopt;
  if (!bytes)
    throw Error(ErrorCode::invalid_argument, "the cache's geometry is not one that can be",
                {{}, {}, "cache"});
  return *bytes;
}

KvCache::KvCache(std::int32_t pages) : pages_(pages), counts_(static_cast<std::size_t>(pages)) {
  free_.reserve(counts_.size());
  for (std::int32_t page = pages - 1; page >= 0; --page) free_.push_back(page);
}

std::optional<std::int32_t> KvCache::take() {
  if (free_.empty()) return std::nullopt;
  const auto page = free_.back();
  free_.pop_back();
  counts(page).sequences = 1;
  ++held_by_sequences_;
  const auto in_use = in_use_.fetch_add(1, std::memory_order_relaxed) + 1;
  most_in_use_.store(std::max(in_use, most_in_use_.load(std::memory_order_relaxed)),
                     std::memory_order_relaxed);
  return page;
}

void KvCache::hold(std::int32_t page) {
  CHECK(counts(page).sequences + counts(page).kept > 0);
  if (counts(page).sequences++ == 0) ++held_by_sequences_;
}

void KvCache::release(std::int32_t page) {
  CHECK(counts(page).sequences > 0);
  if (--counts(page).sequences == 0) --held_by_sequences_;
  free_if_unheld(page);
}

void KvCache::keep(std::int32_t page) {
  CHECK(counts(page).sequences + counts(page).kept > 0);
  ++counts(page).kept;
}

bool KvCache::forget(std::int32_t page) {
  CHECK(counts(page).kept > 0);
  --counts(page).kept;
  free_if_unheld(page);
  return counts(page).sequences + counts(page).kept == 0;
}

void KvCache::free_if_unheld(std::int32_t page) {
  if (counts(page).sequences + counts(page).kept > 0) return;
  free_.push_back(page);
  in_use_.fetch_sub(1, std::memory_order_relaxed);
}

CacheStatistics KvCache::statistics() const {
  return {pages_, in_use_.load(std::memory_order_relaxed), most_in_use_.load(std::memory_order_relaxed)};
}

}  // namespace lathe
