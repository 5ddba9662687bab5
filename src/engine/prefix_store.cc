#include "engine/prefix_store.h"

#include <algorithm>

namespace lathe {
namespace {

std::int32_t common_prefix(std::span<const TokenId> a, std::span<const TokenId> b) {
  const auto length = std::min(a.size(), b.size());
  const auto end = std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(length), b.begin()).first;
  return static_cast<std::int32_t>(end - a.begin());
}

}  // namespace

void PrefixStore::keep(std::vector<TokenId> tokens, std::span<const std::int32_t> pages) {
  const auto length = static_cast<std::int32_t>(tokens.size());
  const auto used = pages.first(std::min(pages.size(), static_cast<std::size_t>(pages_for(length))));
  bool known = length == 0;
  // Of two kept sequences of which one begins the other, the longer is enough.
  for (auto kept = kept_.begin(); kept != kept_.end() && !known;) {
    const auto common = common_prefix(kept->tokens, tokens);
    if (common == length) {
      known = true;
      kept_.splice(kept_.end(), kept_, kept);
    } else if (common == static_cast<std::int32_t>(kept->tokens.size())) {
      for (const auto page : kept->pages) cache_.forget(page);
      kept = kept_.erase(kept);
    } else {
      ++kept;
    }
  }
  if (!known) {
    for (const auto page : used) cache_.keep(page);
    kept_.push_back({std::move(tokens), {used.begin(), used.end()}});
  }
  for (const auto page : pages) cache_.release(page);
}

PrefixStore::Match PrefixStore::longest_match(std::span<const TokenId> tokens) const {
  Match best{kept_.end(), 0};
  if (tokens.empty()) return best;
  const auto usable = tokens.first(tokens.size() - 1);
  for (auto kept = kept_.begin(); kept != kept_.end(); ++kept) {
    const auto common = common_prefix(kept->tokens, usable);
    if (common > 0 && common >= best.tokens) best = {kept, common};
  }
  return best;
}

PrefixStore::Reuse PrefixStore::reuse(std::span<const TokenId> tokens) {
  const Match match = longest_match(tokens);
  Reuse reuse;
  if (match.tokens == 0) return reuse;
  const auto kept = kept_.erase(match.kept, match.kept);  // the same place, not const
  kept_.splice(kept_.end(), kept_, kept);

  const auto full = static_cast<std::size_t>(match.tokens / kPageTokens);
  const auto partial = match.tokens % kPageTokens;
  reuse.pages.assign(kept->pages.begin(), kept->pages.begin() + static_cast<std::ptrdiff_t>(full));
  for (const auto page : reuse.pages) cache_.hold(page);
  reuse.tokens = match.tokens - partial;

  // A certain gain of `partial` tokens against a loss that matters only if the kept sequence is asked for
  // again.
  constexpr std::int32_t kLossPerGain = 4;
  const auto lost = static_cast<std::int32_t>(kept->tokens.size()) - match.tokens;
  if (partial > 0 && cache_.has_one_holder(kept->pages[full]) && lost <= kLossPerGain * partial) {
    cache_.hold(kept->pages[full]);
    reuse.pages.push_back(kept->pages[full]);
    reuse.tokens = match.tokens;
    while (kept->pages.size() > full + 1) drop_last_page(kept);
    drop_last_page(kept);
  }
  return reuse;
}

std::int32_t PrefixStore::pages_shared_with_sequences(std::span<const TokenId> tokens) const {
  const Match match = longest_match(tokens);
  std::int32_t count = 0;
  for (std::int32_t i = 0; i < match.tokens / kPageTokens; ++i)
    count += cache_.held_by_sequence(match.kept->pages[static_cast<std::size_t>(i)]) ? 1 : 0;
  return count;
}

/// Removes the kept sequence with its last page. True if the page is free now.
bool PrefixStore::drop_last_page(Position position) {
  const bool freed = cache_.forget(position->pages.back());
  position->pages.pop_back();
  if (position->pages.empty())
    kept_.erase(position);
  else
    position->tokens.resize(position->pages.size() * kPageTokens);
  return freed;
}

bool PrefixStore::evict_page() {
  while (cache_.evictable() > 0)
    if (drop_last_page(kept_.begin())) return true;
  return false;
}

void PrefixStore::clear() {
  for (const auto& kept : kept_)
    for (const auto page : kept.pages) cache_.forget(page);
  kept_.clear();
}

}  // namespace lathe
