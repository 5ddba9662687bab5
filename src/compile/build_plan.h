// The last stage: a verified graph becomes steps with kernels, operands with places, and the order that
// threads must keep.
#pragma once

#include <memory>
#include <vector>

#include "backend/backend.h"
#include "graph/graph.h"

namespace lathe {

/// Weights are packed on at most `threads` threads.
std::shared_ptr<Plan> build_plan(const Graph& graph, Backend& backend, const std::vector<SymbolLimit>& limits,
                                 int threads);

}  // namespace lathe
