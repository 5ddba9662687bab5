// Dimensions that follow from others (graph/dim_expression.h) as symbols of a plan: behind those that a run
// gives, with limits and ranges that follow from theirs.
#pragma once

#include <vector>

#include "compile/compile.h"

namespace lathe {

/// Appends a limit for each expression of the graph and its bodies, and a range to each profile. Throws
/// Error(resource_limit) where one may be greater than any dimension.
void add_derived_symbols(const Graph& graph, std::vector<SymbolLimit>& limits,
                         std::vector<ProfileRanges>& profiles);

}  // namespace lathe
