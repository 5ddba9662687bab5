// Parts of a plan that need nothing of each other, so that they can run beside each other, each on a group of
// threads of its own. Whether that is faster is for measurement to say.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/plan.h"
#include "compile/place_tensors.h"

namespace lathe {

/// Consecutive steps [first_step, last_step) between a step that they all build on and one that puts together
/// what they made. No step of a branch reads or changes what a step of another writes.
struct BranchSection {
  std::int32_t first_step = 0;
  std::int32_t last_step = 0;
  std::vector<std::vector<std::int32_t>> branches;  // two or more; steps ascending, each step in one of them
};

/// Sections of the plan, ascending, none inside another: of nested ones the inner.
std::vector<BranchSection> find_branches(const Plan& plan);

struct ThreadGroup {
  std::int32_t first_thread = 0;
  std::int32_t threads = 0;  // 0: all of them, as without branches
};

struct BranchAssignment {
  const BranchSection* section = nullptr;
  std::vector<ThreadGroup> groups;  // one for each branch
};

/// Puts the sections' steps on their groups and places the profile's tensors anew, so that no branch writes
/// where another one reads. `plan` is fresh from build_plan, the profile one of its own. Contexts made before
/// do not see it and must not run any more.
void assign_branches(const Plan& plan, std::span<const BranchAssignment> assignments,
                     const PlacementOptions& options, PlanProfile& profile);

}  // namespace lathe
