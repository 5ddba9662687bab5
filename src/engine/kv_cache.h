// The pages of the cache: one device buffer, [layers, pages, 2, kv_heads, kPageTokens * head_dim], and who
// holds which page. A page has two counts: sequences in progress that hold it, and kept prefixes that hold
// it.
//   free       no holder
//   available  free, or held by kept prefixes alone, which can be evicted
// Pages with more than one holder are full and are never written. Changed by the engine's thread alone; the
// counts of statistics() may be read by any.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "backend/cache_layout.h"
#include "engine/engine.h"

namespace lathe {

/// Pages that `tokens` tokens take.
inline std::int32_t pages_for(std::int32_t tokens) { return (tokens + kPageTokens - 1) / kPageTokens; }

class KvCache {
 public:
  explicit KvCache(std::int32_t pages);  // all free

  std::int32_t pages() const { return pages_; }
  std::int32_t available() const { return pages_ - held_by_sequences_; }
  /// Pages that are free once kept prefixes are forgotten.
  std::int32_t evictable() const { return available() - static_cast<std::int32_t>(free_.size()); }

  /// A free page, now held by one sequence; none if there is no free page.
  std::optional<std::int32_t> take();
  void hold(std::int32_t page);     // one more sequence
  void release(std::int32_t page);  // one sequence less
  void keep(std::int32_t page);     // one more kept prefix
  bool forget(std::int32_t page);   // one kept prefix less; true if the page is free now
  bool held_by_sequence(std::int32_t page) const { return counts(page).sequences > 0; }
  bool has_one_holder(std::int32_t page) const { return counts(page).sequences + counts(page).kept == 1; }

  CacheStatistics statistics() const;

 private:
  struct Counts {
    std::int32_t sequences = 0;
    std::int32_t kept = 0;
  };
  Counts& counts(std::int32_t page) { return counts_.at(static_cast<std::size_t>(page)); }
  const Counts& counts(std::int32_t page) const { return counts_.at(static_cast<std::size_t>(page)); }
  void free_if_unheld(std::int32_t page);

  std::int32_t pages_;
  std::vector<Counts> counts_;
  std::vector<std::int32_t> free_;  // a stack: what was used last is warm
  std::int32_t held_by_sequences_ = 0;
  std::atomic<std::int32_t> in_use_{0};
  std::atomic<std::int32_t> most_in_use_{0};
};

}  // namespace lathe
