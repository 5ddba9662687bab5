// Offsets of a profile's tensors in the arena, and which steps must wait for which.
#pragma once

#include <span>

#include "backend/plan.h"

namespace lathe {

struct PlacementOptions {
  /// False: no two tensors share bytes, so that each keeps what its step wrote until the next run.
  bool reuse_memory = true;
};

/// Fills in offsets, conflicts, arena_bytes and arena_lower_bound of a profile whose ranges and choices are
/// set. `roots`: for each tensor the one whose storage it uses; views have another's.
void place_tensors(const Plan& plan, std::span<const std::int32_t> roots, const PlacementOptions& options,
                   PlanProfile& profile);

}  // namespace lathe
