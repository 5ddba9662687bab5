// Which threads run each step, and where they must wait for each other, for a profile on so many threads.
// Threads walk through the steps in order, each through its own. A step that touches what another thread may
// still be reading or writing has a barrier before it, for no more threads than need it: steps that follow
// each other on one thread wait for nobody.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "backend/plan.h"
#include "backend/step_order.h"
#include "base/barrier.h"

namespace lathe {

struct ThreadRange {
  std::int32_t first = 0;
  std::int32_t count = 0;

  std::int32_t end() const { return first + count; }
  bool contains(std::int32_t thread) const { return thread >= first && thread < end(); }
  bool operator==(const ThreadRange&) const = default;
};

/// What a step asks for may be more than there are: the threads that it then gets.
ThreadRange threads_of(const StepChoice& choice, bool serial, std::int32_t threads);

struct GroupBarrier {
  ThreadRange threads;
  Barrier barrier;
};

class StepSchedule {
 public:
  struct Entry {
    ThreadRange threads;
    GroupBarrier* barrier;  // before the step; nullptr: none
  };

  /// `threads`: of the pool; the profile may ask for fewer.
  StepSchedule(const Plan& plan, const PlanProfile& profile, std::int32_t threads);

  std::int32_t threads() const { return threads_; }

  void clear();
  /// The next step that runs; steps come in ascending order. `serial`: what its kernel says.
  Entry add(std::uint32_t step, bool serial);

 private:
  bool is_partial(const StepChoice& choice) const;
  bool waits_for_all(std::size_t step, const ThreadRange& range) const;
  ThreadRange waits_for(std::size_t step, const ThreadRange& range) const;
  bool complete_for(std::int32_t step, const ThreadRange& range) const;
  std::int32_t known(std::int32_t by, std::int32_t of) const;
  void remember(const ThreadRange& range, std::int32_t step);
  GroupBarrier* barrier_of(const ThreadRange& range);

  const PlanProfile& profile_;
  std::int32_t threads_;
  std::optional<StepOrder> order_;    // where steps run on groups of threads
  std::vector<ThreadRange> ranges_;   // of the steps added; count 0: not added
  std::int32_t first_open_ = 0;       // all steps before this one are complete for every thread
  bool parallel_open_ = false;        // a step on several threads was added since then
  bool empty_ = true;                 // nothing was added yet
  std::vector<std::int32_t> known_;   // [by, of]: of whose steps before this one `by` knows the end
  std::vector<std::int32_t> merged_;  // scratch of remember()
  std::vector<std::unique_ptr<GroupBarrier>> barriers_;
};

}  // namespace lathe
