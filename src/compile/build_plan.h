// The last stage: a verified graph becomes steps with kernels, operands with places, and the order that
// threads must keep.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "backend/backend.h"
#include "base/memory_available.h"
#include "compile/pack_weights.h"
#include "compile/place_tensors.h"
#include "graph/graph.h"

namespace lathe {

/// How a graph is to run in one profile. What is not said is chosen by the kernels' ranks.
struct ProfileChoices {
  std::string name;
  std::vector<SymbolRange> symbols;  // in the order of BuildOptions::limits
  struct OfNode {
    StepChoice choice;  // kernel nullptr: by rank
    std::vector<MeasuredKernel> measured;
  };
  std::map<std::size_t, OfNode> nodes;  // by index in Graph::nodes
  std::int32_t threads = 0;
};

struct BuildOptions {
  std::vector<SymbolLimit> limits;       // one for every symbol
  std::vector<ProfileChoices> profiles;  // empty: one that takes everything up to the limits
  /// In what layout a node's weight is packed, where it is not the stored type's own.
  std::map<ValueId, Dtype> layouts;
  PlacementOptions placement;
  int threads = 1;                        // that pack weights, at most
  PackedWeights* packed = nullptr;        // of other plans of these constants; null: none are known
  std::optional<MemoryAvailable> memory;  // there is; empty: no limit
  bool dynamic = false;  // whatever the types say: for a body, whose inputs another plan hands on
};

/// Whether nodes have graphs of their own, or sizes depend on what tensors hold.
bool is_dynamic(const Graph& graph);

/// Throws Error(resource_limit) naming a computed tensor that alone needs more memory than there is, before
/// kernels are timed on such.
void require_room_for_each(const Graph& graph, const BuildOptions& options);

/// Throws Error(unsupported) naming a node that no kernel accepts, and Error(resource_limit) with both sums
/// where weights, states and tensors need more memory than there is, before it takes any.
std::shared_ptr<Plan> build_plan(const Graph& graph, Backend& backend, const BuildOptions& options);

}  // namespace lathe
