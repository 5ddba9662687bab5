#include "backend/step_schedule.h"

#include <algorithm>

namespace lathe {
namespace {

ThreadRange hull(const ThreadRange& a, const ThreadRange& b) {
  const auto first = std::min(a.first, b.first);
  return {first, std::max(a.end(), b.end()) - first};
}

}  // namespace

ThreadRange threads_of(const StepChoice& choice, bool serial, std::int32_t threads) {
  if (choice.threads <= 0) return {0, serial ? 1 : threads};
  const auto first = std::max(choice.first_thread, 0) % threads;
  return {first, std::min(choice.threads, threads - first)};
}

StepSchedule::StepSchedule(const Plan& plan, const PlanProfile& profile, std::int32_t threads)
    : profile_(profile),
      threads_(profile.threads > 0 ? std::min(profile.threads, threads) : threads),
      ranges_(plan.steps.size()) {
  if (std::any_of(profile.choices.begin(), profile.choices.end(),
                  [this](const StepChoice& choice) { return is_partial(choice); })) {
    order_.emplace(plan, profile);
    const auto count = static_cast<std::size_t>(threads_);
    known_.resize(count * count);
    merged_.resize(count);
  }
  barrier_of({0, threads_});
}

bool StepSchedule::is_partial(const StepChoice& choice) const {
  const auto range = threads_of(choice, false, threads_);
  return range != ThreadRange{0, threads_} && range != ThreadRange{0, 1};
}

void StepSchedule::clear() {
  std::fill(ranges_.begin(), ranges_.end(), ThreadRange{});
  std::fill(known_.begin(), known_.end(), 0);
  first_open_ = 0;
  parallel_open_ = false;
  empty_ = true;
}

StepSchedule::Entry StepSchedule::add(std::uint32_t step, bool serial) {
  const auto range = threads_of(profile_.choices[step], serial, threads_);
  const ThreadRange all{0, threads_};
  ThreadRange wait{};
  if (order_)
    wait = waits_for(step, range);
  else if (waits_for_all(step, range))
    wait = all;
  if (empty_) wait = {};  // whoever starts a run has seen all that was before it
  const auto number = static_cast<std::int32_t>(step);
  if (wait == all) {
    first_open_ = number;
    parallel_open_ = false;
  } else if (wait.count > 0) {
    remember(wait, number);
  }
  parallel_open_ = parallel_open_ || range.count > 1;
  empty_ = false;
  ranges_[step] = range;
  return {range, wait.count > 1 ? barrier_of(wait) : nullptr};
}

bool StepSchedule::waits_for_all(std::size_t step, const ThreadRange& range) const {
  return profile_.conflicts[step] >= first_open_ && (range.count > 1 || parallel_open_);
}

ThreadRange StepSchedule::waits_for(std::size_t step, const ThreadRange& range) const {
  ThreadRange wait{};
  for (const auto earlier : order_->before(step)) {
    const auto& other = ranges_[static_cast<std::size_t>(earlier)];
    if (earlier < first_open_) continue;
    // What a step that does not run would have waited for is not known here.
    if (other.count == 0) return {0, threads_};
    if (complete_for(earlier, range)) continue;
    const auto both = hull(range, other);
    wait = wait.count == 0 ? both : hull(wait, both);
  }
  return wait;
}

bool StepSchedule::complete_for(std::int32_t step, const ThreadRange& range) const {
  const auto& other = ranges_[static_cast<std::size_t>(step)];
  for (auto by = range.first; by < range.end(); ++by)
    for (auto of = other.first; of < other.end(); ++of)
      if (by != of && known(by, of) <= step) return false;
  return true;
}

std::int32_t StepSchedule::known(std::int32_t by, std::int32_t of) const {
  return known_[static_cast<std::size_t>(by * threads_ + of)];
}

/// Behind a barrier each of its threads knows what any of them knew, and that all have come this far.
void StepSchedule::remember(const ThreadRange& range, std::int32_t step) {
  for (std::int32_t of = 0; of < threads_; ++of) {
    std::int32_t most = 0;
    for (auto by = range.first; by < range.end(); ++by) most = std::max(most, known(by, of));
    merged_[static_cast<std::size_t>(of)] = range.contains(of) ? step : most;
  }
  for (auto by = range.first; by < range.end(); ++by)
    std::copy(merged_.begin(), merged_.end(), known_.begin() + std::ptrdiff_t{by} * threads_);
}

GroupBarrier* StepSchedule::barrier_of(const ThreadRange& range) {
  for (const auto& barrier : barriers_)
    if (barrier->threads == range) return barrier.get();
  barriers_.push_back(std::make_unique<GroupBarrier>());
  barriers_.back()->threads = range;
  return barriers_.back().get();
}

}  // namespace lathe
