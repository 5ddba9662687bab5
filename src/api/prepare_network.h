// A float network as its layers are found, calibrated and given their types.
#pragma once

#include <string>

#include "graph/graph.h"
#include "lathe/execute.h"

namespace lathe {

/// Behind the passes that are in front of products on codes: constants and batch norms are folded, and every
/// tensor that a layer reads has its node. Throws Error(invalid_argument) for a network with QuantizeLinear,
/// Error(unsupported) for one with sizes that only a run knows.
Graph prepare_network(const ProgramOptions& options, Graph graph);

/// Of names, types and what constants hold, as 32 hexadecimal digits.
std::string network_hash(const Graph& graph);

}  // namespace lathe
