// Chooses kernels, tiles, thread splits and packed layouts for a graph. The arithmetic of each node is fixed
// before, by rank and never by time, so that every choice gives the same bits.
#pragma once

#include "compile/build_plan.h"
#include "compile/compile.h"
#include "compile/tuning_options.h"

namespace lathe {

/// Fills in nodes of build.profiles, one for each of `ranges` and in their order, and build.layouts unless it
/// says something already. Throws
/// Error(not_found) naming the key where fail_on_miss is set and the cache lacks one, Error(invalid_argument)
/// naming the node where a forced kernel does not accept it.
void tune(const Graph& graph, Backend& backend, const std::vector<ProfileRanges>& ranges,
          const TuningOptions& options, BuildOptions& build);

}  // namespace lathe
