// The arena of a profile over the steps, as rectangles.
#pragma once

#include "backend/plan.h"
#include "lathe/inspection.h"

namespace lathe {

/// Fills in placements and sums of bytes.
void inspect_memory(const Plan& plan, const PlanProfile& profile, ProfileInspection& inspection);

}  // namespace lathe
