// lathe bench --profile: where the time of a test goes, step by step.
#pragma once

#include <string>
#include <vector>

#include "lathe/lathe.h"

namespace lathe::apps {

/// How steps are put together: each for itself, by kind (the same step of all layers) or by op.
enum class ProfileGrouping { layers, kinds, ops };

/// "layers", "kinds" or "ops"; throws Error(invalid_argument).
ProfileGrouping profile_grouping_named(const std::string& name);

std::string profile_table(const Inspection& inspection, const StepProfile& profile,
                          const MachineLimits& limits, ProfileGrouping grouping);
std::string profile_json(const Inspection& inspection, const std::vector<StepProfile>& profiles,
                         const MachineLimits& limits, ProfileGrouping grouping);

}  // namespace lathe::apps
