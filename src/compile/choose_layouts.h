// One layout for each weight: the one with the least sum over all profiles and all its readers.
#pragma once

#include <map>
#include <vector>

#include "compile/candidates.h"

namespace lathe {

struct MeasuredCandidate {
  KernelCandidate candidate;
  double seconds = 0;
};

/// What is known of a node in each profile, best first. The candidates of a profile need not have all
/// layouts.
struct NodeTimes {
  std::size_t node = 0;  // index in Graph::nodes
  std::vector<const std::vector<MeasuredCandidate>*> profiles;
};

using WeightLayouts = std::map<ValueId, Dtype>;

/// Layouts of the weights that the nodes read, where they are not the weight's own. Weights that a node reads
/// together, or that share a reader, are decided together, those of one stored type alike. A layout counts
/// only where each reader has a candidate for it in each profile. Throws Error(unsupported) naming a node
/// where no layout does.
WeightLayouts choose_layouts(const Graph& graph, const std::vector<NodeTimes>& nodes,
                             const std::vector<double>& profile_weights);

/// Every weight as the file has it, where all its readers have a kernel for that.
WeightLayouts stored_layouts(const Graph& graph, const Backend& backend);

/// The best candidate that takes the node's weights as `layouts` has them; nullptr where there is none.
const MeasuredCandidate* best_candidate(const Graph& graph, const Node& node,
                                        const std::vector<MeasuredCandidate>& candidates,
                                        const WeightLayouts& layouts);

}  // namespace lathe
