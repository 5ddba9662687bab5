// Decides what the next step computes. Sequences are served in order of arrival:
//   waiting -> running      when there is room; not before those that arrived earlier
//   running -> waiting      preempted: the youngest gives its pages back when an older one needs one
// Each step takes one token of every running sequence that decodes, then fills up with chunks of prompts. The
// oldest sequence always gets on. Without a cache a step computes one sequence whole, each in turn.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "engine/kv_cache.h"
#include "engine/prefix_store.h"
#include "engine/sequence.h"

namespace lathe {

struct SchedulerLimits {
  std::int32_t step_tokens = 0;
  std::int32_t sequences = 0;
};

/// `tokens` of a sequence, beginning at sequence->cached.
struct ScheduledSequence {
  Sequence* sequence = nullptr;
  std::int32_t tokens = 0;
  bool samples() const { return tokens == sequence->pending(); }
};

class Scheduler {
 public:
  /// `cache` with no pages: without a cache.
  Scheduler(SchedulerLimits limits, KvCache& cache, PrefixStore& kept);

  void add(std::unique_ptr<Sequence> sequence) { waiting_.push_back(std::move(sequence)); }
  bool idle() const { return waiting_.empty() && running_.empty(); }
  std::size_t running() const { return running_.size(); }
  std::size_t waiting() const { return waiting_.size(); }

  /// What to compute next; empty only if idle. Valid until the next call of any method.
  std::span<const ScheduledSequence> schedule();

  /// Takes a sequence out. Its computed tokens are kept for later prompts, unless they may be wrong.
  std::unique_ptr<Sequence> remove(Sequence& sequence, bool keep_prefix);
  /// The first sequence that wants to be cancelled, in any state; nullptr if there is none.
  Sequence* find_cancelled() const;
  /// Any sequence; nullptr if idle.
  Sequence* any() const;

  /// Pages for something that is no sequence, for which running ones are preempted. The cache has as many.
  std::vector<std::int32_t> take_pages(std::int32_t count);

 private:
  std::span<const ScheduledSequence> schedule_whole();
  void schedule_decoding();
  void schedule_prompts();
  void admit_waiting();
  bool may_admit(const Sequence& sequence) const;
  void admit();
  void schedule_chunk(Sequence& sequence, std::int32_t tokens);
  std::int32_t reserve(Sequence& sequence, std::int32_t tokens);
  bool take_page_for(Sequence& sequence);
  std::optional<std::int32_t> take_page();
  void preempt_youngest();
  void give_back(Sequence& sequence, bool keep_prefix);

  SchedulerLimits limits_;
  KvCache& cache_;
  PrefixStore& kept_;
  std::deque<std::unique_ptr<Sequence>> waiting_;   // in order of arrival
  std::vector<std::unique_ptr<Sequence>> running_;  // in order of arrival, all before those waiting
  std::vector<ScheduledSequence> step_;
  std::int32_t budget_ = 0;     // tokens that the step may still take
  std::size_t next_whole_ = 0;  // without a cache: whose turn it is
};

}  // namespace lathe
