// Weights of another model for a plan whose steps and layouts stay.
#pragma once

#include "backend/backend.h"
#include "graph/graph.h"

namespace lathe {

/// Packs the constants of `graph`, which is the plan's behind the passes, into plan.weights, as
/// plan.weight_sources says. Throws Error(invalid_argument) naming a weight that the graph lacks or has with
/// another type or shape.
void pack_weights(Plan& plan, const Graph& graph, Backend& backend, int threads);

}  // namespace lathe
