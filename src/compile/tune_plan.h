// The second part of tuning: what is measured on the built plan as a whole. Decisions go through the timing
// cache like those about single nodes, so that a build with a full cache measures nothing here either.
#pragma once

#include <memory>

#include "compile/build_plan.h"
#include "compile/compile.h"
#include "compile/tuning_options.h"

namespace lathe {

/// From level 3 on: the threads of each profile (PlanProfile::threads) and the chunk size
/// (Plan::step_tokens). Before that, from level 4 on: branches beside each other (branches.h); and at level 5
/// other kernels for the steps that take the most time. All is kept only where the whole gets faster. Throws
/// Error(not_found) where fail_on_miss is set and the cache lacks a decision.
void tune_plan(const Graph& graph, Backend& backend, const std::vector<ProfileRanges>& ranges,
               const TuningOptions& options, const PlacementOptions& placement,
               const std::shared_ptr<Plan>& plan);

}  // namespace lathe
