#include "engine/scheduler.h"

#include <algorithm>

#include "base/error.h"

namespace lathe {

Scheduler::Scheduler(SchedulerLimits limits, KvCache& cache, PrefixStore& kept)
    : limits_(limits), cache_(cache), kept_(kept) {
  running_.reserve(static_cast<std::size_t>(limits.sequences));
  step_.reserve(static_cast<std::size_t>(limits.sequences));
}

std::span<const ScheduledSequence> Scheduler::schedule() {
  step_.clear();
  budget_ = limits_.step_tokens;
  if (cache_.pages() == 0) return schedule_whole();
  schedule_decoding();
  schedule_prompts();
  admit_waiting();
  return step_;
}

std::span<const ScheduledSequence> Scheduler::schedule_whole() {
  while (!waiting_.empty() && running_.size() < static_cast<std::size_t>(limits_.sequences)) admit();
  if (running_.empty()) return step_;
  next_whole_ = (next_whole_ + 1) % running_.size();
  auto& sequence = *running_[next_whole_];
  step_.push_back({&sequence, sequence.pending()});
  return step_;
}

// In both loops reserve() may preempt sequences behind the index, so running_ can become shorter.
void Scheduler::schedule_decoding() {
  for (std::size_t i = 0; i < running_.size(); ++i)
    if (running_[i]->pending() == 1) schedule_chunk(*running_[i], 1);
}

void Scheduler::schedule_prompts() {
  for (std::size_t i = 0; i < running_.size() && budget_ > 0; ++i)
    if (running_[i]->pending() > 1) schedule_chunk(*running_[i], std::min(running_[i]->pending(), budget_));
}

void Scheduler::admit_waiting() {
  while (!waiting_.empty() && budget_ > 0 && running_.size() < static_cast<std::size_t>(limits_.sequences) &&
         may_admit(*waiting_.front())) {
    admit();
    auto& sequence = *running_.back();
    schedule_chunk(sequence, std::min(sequence.pending(), budget_));
  }
}

/// Whether all its tokens and one more would fit now: a prompt that runs out of pages halfway only holds up
/// others.
bool Scheduler::may_admit(const Sequence& sequence) const {
  if (running_.empty()) return true;
  const auto tokens = static_cast<std::int32_t>(sequence.tokens.size());
  const auto needed = pages_for(std::min(tokens + 1, sequence.limit));
  if (needed <= cache_.available()) return true;
  return needed - kept_.pages_shared_with_sequences(sequence.tokens) <= cache_.available();
}

void Scheduler::admit() {
  auto sequence = std::move(waiting_.front());
  waiting_.pop_front();
  if (cache_.pages() > 0) {
    const auto reuse = kept_.reuse(sequence->tokens);
    sequence->pages.assign(reuse.pages.begin(), reuse.pages.end());
    sequence->cached = reuse.tokens;
    if (!sequence->admitted_before) sequence->times.reused_tokens = reuse.tokens;
  }
  sequence->admitted_before = true;
  running_.push_back(std::move(sequence));
}

void Scheduler::schedule_chunk(Sequence& sequence, std::int32_t tokens) {
  const auto possible = reserve(sequence, tokens);
  if (possible <= 0) return;
  step_.push_back({&sequence, possible});
  budget_ -= possible;
}

/// How many of the next `tokens` have pages, after taking what can be had.
std::int32_t Scheduler::reserve(Sequence& sequence, std::int32_t tokens) {
  const auto needed = static_cast<std::size_t>(pages_for(sequence.cached + tokens));
  while (sequence.pages.size() < needed && take_page_for(sequence)) continue;
  const auto room = static_cast<std::int32_t>(sequence.pages.size()) * kPageTokens - sequence.cached;
  return std::min(tokens, room);
}

/// One page more: a free one, a kept one, or one of a younger sequence. The youngest itself waits.
bool Scheduler::take_page_for(Sequence& sequence) {
  auto page = take_page();
  while (!page && running_.back().get() != &sequence) {
    preempt_youngest();
    page = take_page();
  }
  // Alone it always fits: a sequence's limit is at most the cache.
  CHECK(page || running_.size() > 1);
  if (page) sequence.pages.push_back(*page);
  return page.has_value();
}

std::optional<std::int32_t> Scheduler::take_page() {
  auto page = cache_.take();
  if (!page && kept_.evict_page()) page = cache_.take();
  return page;
}

void Scheduler::preempt_youngest() {
  auto youngest = std::move(running_.back());
  running_.pop_back();
  std::erase_if(step_, [&](const ScheduledSequence& item) { return item.sequence == youngest.get(); });
  give_back(*youngest, true);
  waiting_.push_front(std::move(youngest));
}

/// Its computed tokens stay as long as nobody needs the pages, so it may lose nothing.
void Scheduler::give_back(Sequence& sequence, bool keep_prefix) {
  if (keep_prefix) {
    const auto tokens = sequence.cached_tokens();
    kept_.keep({tokens.begin(), tokens.end()}, sequence.pages);
  } else {
    for (const auto page : sequence.pages) cache_.release(page);
  }
  sequence.pages.clear();
  sequence.cached = 0;
}

std::unique_ptr<Sequence> Scheduler::remove(Sequence& sequence, bool keep_prefix) {
  const auto same = [&](const std::unique_ptr<Sequence>& item) { return item.get() == &sequence; };
  std::unique_ptr<Sequence> removed;
  if (const auto found = std::find_if(running_.begin(), running_.end(), same); found != running_.end()) {
    removed = std::move(*found);
    running_.erase(found);
    give_back(*removed, keep_prefix);
  } else {
    const auto queued = std::find_if(waiting_.begin(), waiting_.end(), same);
    CHECK(queued != waiting_.end());
    removed = std::move(*queued);
    waiting_.erase(queued);
  }
  return removed;
}

Sequence* Scheduler::find_cancelled() const {
  for (const auto& sequence : running_)
    if (sequence->stream->cancelled()) return sequence.get();
  for (const auto& sequence : waiting_)
    if (sequence->stream->cancelled()) return sequence.get();
  return nullptr;
}

Sequence* Scheduler::any() const {
  if (!running_.empty()) return running_.front().get();
  return waiting_.empty() ? nullptr : waiting_.front().get();
}

std::vector<std::int32_t> Scheduler::take_pages(std::int32_t count) {
  CHECK(count <= cache_.pages());
  std::vector<std::int32_t> taken;
  while (taken.size() < static_cast<std::size_t>(count)) {
    if (const auto page = take_page())
      taken.push_back(*page);
    else
      preempt_youngest();
  }
  return taken;
}

}  // namespace lathe
