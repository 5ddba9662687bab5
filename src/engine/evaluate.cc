// Logits of every position of a text, on the engine's thread between two steps.
#include <algorithm>

#include "base/error.h"
#include "engine/engine_implementation.h"

namespace lathe {
namespace {

/// Pages that go back whatever happens.
class TakenPages {
 public:
  TakenPages(KvCache& cache, std::vector<std::int32_t> pages) : cache_(cache), pages_(std::move(pages)) {}
  ~TakenPages() {
    for (const auto page : pages_) cache_.release(page);
  }
  TakenPages(const TakenPages&) = delete;
  TakenPages& operator=(const TakenPages&) = delete;
  std::span<const std::int32_t> all() const { return pages_; }

 private:
  KvCache& cache_;
  std::vector<std::int32_t> pages_;
};

}  // namespace

void Engine::Implementation::evaluate(std::span<const TokenId> ids, std::int32_t chunk,
                                      const std::function<void(std::int32_t, std::span<const float>)>& row,
                                      std::int32_t first) {
  const bool off = options_.cache.off;
  const auto total = static_cast<std::int32_t>(ids.size());
  const auto silent_chunk = chunk == 0 ? options_.step_tokens : chunk;  // of steps before `first`
  if (chunk == 0) chunk = std::min(options_.out_rows, options_.step_tokens);
  if (off) chunk = total;  // nothing is left from one step to the next
  chunk = std::min(chunk, options_.step_tokens);
  const TakenPages taken(cache_, off ? std::vector<std::int32_t>{} : scheduler_.take_pages(pages_for(total)));
  const auto pages = off ? std::span<const std::int32_t>(scratch_pages_) : taken.all();

  for (std::int32_t past = 0; past < total;) {
    const bool silent = past < first && !off;
    const auto tokens = silent ? std::min(silent_chunk, first - past) : std::min(chunk, total - past);
    // A chunk with more rows than the plan gives back at once is computed again for each part of its rows: it
    // writes the same keys and values as before.
    std::int32_t done = silent ? 0 : std::max(first - past, 0);
    do {
      if (inbox_.stopping()) throw Error(ErrorCode::invalid_argument, "the engine is being taken down");
      const auto rows = silent ? 0 : std::min(options_.out_rows, tokens - done);
      builder_.clear();
      builder_.add(ids.subspan(static_cast<std::size_t>(past), static_cast<std::size_t>(tokens)), past,
                   pages.first(static_cast<std::size_t>(pages_for(past + tokens))));
      for (std::int32_t i = 0; i < rows; ++i) builder_.want(done + i);
      builder_.upload(*context_, step_pages(tokens));
      context_->run(builder_.symbols(), outputs_.wanted(rows, 0, 0));
      outputs_.read_logits(*context_, rows);
      for (std::int32_t i = 0; i < rows; ++i) row(past + done + i, outputs_.logits(i));
      done += rows;
    } while (!silent && done < tokens);
    past += tokens;
  }
}

}  // namespace lathe
