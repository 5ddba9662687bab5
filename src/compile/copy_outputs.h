// Gives every output of a graph bytes of its own.
#pragma once

#include "graph/graph.h"

namespace lathe {

/// An output that is an input, a constant, a state or a view of one becomes a copy: the plan returns what its
/// steps wrote. Throws Error(unsupported) for block types, which nothing copies.
void copy_outputs(Graph& graph);

}  // namespace lathe
