// The pass that computes shapes from the inputs' dimensions (compute_sizes.cc).
#pragma once

#include "passes/pass.h"

namespace lathe {

bool compute_sizes(Graph& graph, const PassContext& context);

}  // namespace lathe
