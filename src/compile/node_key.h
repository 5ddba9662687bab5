// What decides how long a node takes: nodes with equal keys are measured once.
#pragma once

#include <string>

#include "compile/symbol_values.h"
#include "graph/graph.h"

namespace lathe {

/// Op, types as stored with numbers for symbols, and attributes but for the layer's number:
///   QuantizedLinear(a8[1, 576], q4_1[1536, 576]) -> f32[1, 1536]
/// The number of pages of a cache is left open: no step reads those that are not its own.
std::string node_key(const Graph& graph, const Node& node, const SymbolValues& values);

/// The processor, its level of kernels and the threads: what times belong to.
std::string machine_key(int threads);

}  // namespace lathe
