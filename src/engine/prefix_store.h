// What finished sequences leave behind: their tokens, and the pages with those tokens' keys and values, least
// recently used first. Tokens are compared, not hashes. Pages are given back from the end of the least
// recently used.
#pragma once

#include <cstdint>
#include <list>
#include <span>
#include <vector>

#include "engine/kv_cache.h"

namespace lathe {

class PrefixStore {
 public:
  explicit PrefixStore(KvCache& cache) : cache_(cache) {}

  /// What a prompt finds here.
  struct Reuse {
    std::int32_t tokens = 0;
    std::vector<std::int32_t>
        pages;  // held for the sequence; the last one may be partly filled, then it is its own
  };

  /// Keeps `tokens`, all computed, and takes over the sequence's hold on `pages`, which are theirs in order.
  void keep(std::vector<TokenId> tokens, std::span<const std::int32_t> pages);

  /// The longest common beginning of `tokens` and a kept sequence, but not the last of `tokens`. Full pages
  /// are shared. The partly used page behind them is taken out of the kept sequence, if nobody else holds it
  /// and the kept sequence does not lose much more than is gained.
  Reuse reuse(std::span<const TokenId> tokens);

  /// The full pages that reuse() would share and that sequences hold already: they cost a new sequence
  /// nothing.
  std::int32_t pages_shared_with_sequences(std::span<const TokenId> tokens) const;

  /// Frees one page; false if kept prefixes hold none that can be freed.
  bool evict_page();
  void clear();

  std::size_t size() const { return kept_.size(); }

 private:
  struct Kept {
    std::vector<TokenId> tokens;
    std::vector<std::int32_t> pages;
  };
  using Position = std::list<Kept>::iterator;
  struct Match {
    std::list<Kept>::const_iterator kept;
    std::int32_t tokens = 0;
  };
  Match longest_match(std::span<const TokenId> tokens) const;
  bool drop_last_page(Position position);

  KvCache& cache_;
  std::list<Kept> kept_;
};

}  // namespace lathe
