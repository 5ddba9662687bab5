// The engine's thread and all that it owns; nothing in here but the inbox and the counts of the cache is
// touched by another thread while it runs (docs/threads.md).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "engine/inbox.h"
#include "engine/kv_cache.h"
#include "engine/prefix_store.h"
#include "engine/scheduler.h"
#include "engine/step_builder.h"
#include "engine/step_outputs.h"

namespace lathe {

class Engine::Implementation {
 public:
  Implementation(EngineOptions options, std::shared_ptr<const Plan> plan, std::shared_ptr<Backend> backend);
  ~Implementation();

  // From any thread.
  const EngineOptions& options() const { return options_; }
  std::int32_t context_tokens() const { return context_tokens_; }
  CacheStatistics statistics() const { return cache_.statistics(); }
  void submit(std::unique_ptr<Sequence> sequence) { inbox_.submit(std::move(sequence)); }
  /// Has `task` run on the engine's thread between two steps, and waits; throws what it throws.
  void call(std::function<void()> task);

  // On the engine's thread.
  void evaluate(std::span<const TokenId> ids, std::int32_t chunk,
                const std::function<void(std::int32_t, std::span<const float>)>& row, std::int32_t first);
  void clear_kept_prefixes() { kept_.clear(); }
  void observe(StepObserver observer);

 private:
  void loop();
  void step();
  void run(std::span<const ScheduledSequence> scheduled);
  void run_observed(std::span<const ScheduledSequence> scheduled, std::uint32_t wanted_outputs);
  void postprocess();
  TokenId pick(Sequence& sequence, std::int32_t row);
  std::span<const float> logits(Sequence& sequence, std::int32_t row);
  void end(Sequence& sequence, TokenId token, FinishReason reason, const std::string& error = {});
  void end_cancelled();
  void end_all(FinishReason reason, const std::string& error = {});
  std::span<const std::int32_t> pages_of(const Sequence& sequence, std::int32_t tokens) const;
  std::int64_t step_pages(std::int32_t tokens) const;

  EngineOptions options_;
  std::int32_t context_tokens_;  // what fits the cache, too
  std::shared_ptr<const Plan> plan_;
  std::shared_ptr<Backend> backend_;
  Buffer cache_buffer_;
  std::unique_ptr<ExecutionContext> context_;
  StepBuilder builder_;
  StepOutputs outputs_;
  KvCache cache_;
  PrefixStore kept_;
  Scheduler scheduler_;
  std::vector<std::int32_t> scratch_pages_;   // 0, 1, ...: what block tables say without a cache
  std::vector<ScheduledSequence> scheduled_;  // the step's
  std::vector<Sequence*> sampled_;            // by the step's output row
  std::int32_t logits_rows_ = 0;              // of the step, already read
  StepObserver observer_;
  Inbox inbox_;
  std::thread thread_;  // last: it uses all the others
};

}  // namespace lathe
