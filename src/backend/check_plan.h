// Holds a plan that came from a file to what kernels take for granted.
#pragma once

#include <string>

#include "backend/plan.h"

namespace lathe {

/// Bytes of a weight in its layout; throws Error(invalid_argument) where shape and layout do not fit.
std::uint64_t weight_bytes(const WeightSource& source);

/// Every index lies within its list; every step's types are what its op makes of its inputs, and what its
/// kernels accept; every tensor lies within its weight, or within the arena at each profile's maxima. Not
/// derived anew: lifetimes and the order of steps, which change results and not what is read or written.
/// `plan.weight_sources` are set, `plan.weights` not yet. Throws Error(invalid_file) naming tensor or step.
void check_plan(const Plan& plan, const std::string& file);

}  // namespace lathe
