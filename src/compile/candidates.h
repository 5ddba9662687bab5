// What a node can be run with: every kernel of its arithmetic that accepts it, with tiles, thread splits and
// packed layouts of its weights. All of them give equal bits.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "compile/timing_cache.h"
#include "graph/graph.h"

namespace lathe {

struct KernelCandidate {
  const Kernel* kernel = nullptr;
  std::int32_t variant = 0;
  std::int32_t threads = 0;    // as StepChoice::threads
  std::vector<Dtype> layouts;  // one for each input: the type in which the kernel gets it

  bool operator==(const KernelCandidate&) const = default;
  StepChoice choice() const { return {kernel, variant, 0, threads}; }
};

struct CandidateRules {
  bool variants = true;       // otherwise each kernel's first
  bool thread_splits = true;  // otherwise what the kernel says
};

/// The first is what the node gets where nothing was measured; the others follow kernel by kernel and layout
/// by layout. Empty where no kernel accepts the node.
std::vector<KernelCandidate> candidates_of(const Graph& graph, const Node& node, const Backend& backend,
                                           const CandidateRules& rules);

/// Whether the input is a weight that is packed for the node, and so may lie in several layouts.
bool is_packed_weight(const Graph& graph, const Node& node, std::size_t input);

/// The types of a node's operands with the inputs as `layouts` has them.
struct OperandTypes {
  std::vector<ValueType> inputs;
  std::vector<ValueType> outputs;
  OperandTypes(const Graph& graph, const Node& node, std::span<const Dtype> layouts);
};

/// The layouts of the packed weights joined by "+"; empty where there are none.
std::string layout_text(const Graph& graph, const Node& node, std::span<const Dtype> layouts);
std::string variant_name(const Kernel& kernel, std::int32_t variant);
/// As timing caches hold it.
TimedCandidate timed(const Graph& graph, const Node& node, const KernelCandidate& candidate, double seconds);

}  // namespace lathe
