// The part of a graph that depends on one node, as a graph of its own: to run what is behind a layer again
// and again, and not what is in front of it.
#pragma once

#include <cstddef>
#include <functional>

#include "graph/graph.h"

namespace lathe {

/// The node at `position` and all that depends on it. What they read from the rest become inputs, with the
/// names that they have in `graph`: values that `is_given` is true of. Others, and views, are computed anew
/// from what they depend on. Ids of values stay; outputs are those of `graph` that depend on the node.
Graph dependent_graph(const Graph& graph, std::size_t position,
                      const std::function<bool(const Value& value)>& is_given);

}  // namespace lathe
