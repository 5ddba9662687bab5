#include "compile/choose_layouts.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

#include "base/error.h"
#include "compile/pack_weights.h"

namespace lathe {
namespace {

constexpr double kMargin = 0.02;  // what another layout must gain: times are not exact

/// Nodes that share weights, with the weights.
struct Cluster {
  std::vector<const NodeTimes*> nodes;
  std::map<ValueId, Dtype> weights;  // and their own layouts
};

std::vector<Cluster> clusters_of(const Graph& graph, const std::vector<NodeTimes>& nodes) {
  std::vector<std::size_t> parents(nodes.size());
  std::iota(parents.begin(), parents.end(), std::size_t{0});
  const auto find = [&](std::size_t i) {
    while (parents[i] != i) i = parents[i] = parents[parents[i]];
    return i;
  };
  std::map<ValueId, std::size_t> readers;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Node& node = graph.nodes[nodes[i].node];
    for (std::size_t input = 0; input < node.inputs.size(); ++input)
      if (is_packed_weight(graph, node, input))
        parents[find(i)] = find(readers.try_emplace(node.inputs[input], i).first->second);
  }
  std::map<std::size_t, Cluster> clusters;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Node& node = graph.nodes[nodes[i].node];
    for (std::size_t input = 0; input < node.inputs.size(); ++input)
      if (is_packed_weight(graph, node, input))
        clusters[find(i)].weights[node.inputs[input]] = weight_layout(graph, node, input);
    if (clusters.contains(find(i))) clusters[find(i)].nodes.push_back(&nodes[i]);
  }
  std::vector<Cluster> list;
  for (auto& [root, cluster] : clusters)
    if (!cluster.weights.empty()) list.push_back(std::move(cluster));
  return list;
}

/// A layout for each stored type; what candidates of the cluster's nodes ask for, and each weight's own.
using Assignment = std::map<Dtype, Dtype>;

std::set<Assignment> assignments_of(const Graph& graph, const Cluster& cluster) {
  Assignment own;
  for (const auto& [weight, layout] : cluster.weights) own[graph.value(weight).type.dtype] = layout;
  std::set<Assignment> all = {own};
  for (const auto* times : cluster.nodes) {
    const Node& node = graph.nodes[times->node];
    for (const auto* candidates : times->profiles)
      for (const auto& item : *candidates) {
        Assignment asked = own;
        for (std::size_t i = 0; i < node.inputs.size(); ++i)
          if (is_packed_weight(graph, node, i))
            asked[graph.value(node.inputs[i]).type.dtype] = item.candidate.layouts[i];
        all.insert(std::move(asked));
      }
  }
  return all;
}

WeightLayouts layouts_of(const Graph& graph, const Cluster& cluster, const Assignment& assignment) {
  WeightLayouts layouts;
  for (const auto& [weight, own] : cluster.weights) {
    const Dtype layout = assignment.at(graph.value(weight).type.dtype);
    if (layout != own) layouts[weight] = layout;
  }
  return layouts;
}

/// Nothing where a node has no candidate.
std::optional<double> seconds_of(const Graph& graph, const Cluster& cluster, const WeightLayouts& layouts,
                                 const std::vector<double>& profile_weights) {
  double sum = 0;
  for (const auto* times : cluster.nodes)
    for (std::size_t p = 0; p < times->profiles.size(); ++p) {
      const auto* best = best_candidate(graph, graph.nodes[times->node], *times->profiles[p], layouts);
      if (best == nullptr) return std::nullopt;
      sum += profile_weights.at(p) * best->seconds;
    }
  return sum;
}

}  // namespace

const MeasuredCandidate* best_candidate(const Graph& graph, const Node& node,
                                        const std::vector<MeasuredCandidate>& candidates,
                                        const WeightLayouts& layouts) {
  const auto fits = [&](const KernelCandidate& candidate) {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (!is_packed_weight(graph, node, i)) continue;
      const auto chosen = layouts.find(node.inputs[i]);
      const Dtype layout = chosen == layouts.end() ? weight_layout(graph, node, i) : chosen->second;
      if (candidate.layouts[i] != layout) return false;
    }
    return true;
  };
  for (const auto& item : candidates)
    if (fits(item.candidate)) return &item;
  return nullptr;
}

WeightLayouts stored_layouts(const Graph& graph, const Backend& backend) {
  std::vector<NodeTimes> all(graph.nodes.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i].node = i;
  WeightLayouts layouts;
  for (const auto& cluster : clusters_of(graph, all)) {
    const auto readable = [&](const NodeTimes* times) {
      const Node& node = graph.nodes[times->node];
      std::vector<Dtype> stored;
      for (const auto input : node.inputs) stored.push_back(graph.value(input).type.dtype);
      const OperandTypes types(graph, node, stored);
      return find_kernel(backend.kernels(), {types.inputs, types.outputs, &node}) != nullptr;
    };
    if (!std::ranges::all_of(cluster.nodes, readable)) continue;
    for (const auto& [weight, own] : cluster.weights) layouts[weight] = graph.value(weight).type.dtype;
  }
  return layouts;
}

WeightLayouts choose_layouts(const Graph& graph, const std::vector<NodeTimes>& nodes,
                             const std::vector<double>& profile_weights) {
  WeightLayouts chosen;
  for (const auto& cluster : clusters_of(graph, nodes)) {
    std::optional<WeightLayouts> best;
    double least = 0;
    for (const auto& assignment : assignments_of(graph, cluster)) {
      auto layouts = layouts_of(graph, cluster, assignment);
      const auto seconds = seconds_of(graph, cluster, layouts, profile_weights);
      if (!seconds) continue;
      const double handicapped = layouts.empty() ? *seconds * (1 - kMargin) : *seconds;
      if (best && handicapped >= least) continue;
      best = std::move(layouts);
      least = handicapped;
    }
    if (!best)
      throw Error(ErrorCode::unsupported,
                  "no layout of its weights suits this node and those that share them",
                  {{}, std::nullopt, graph.nodes[cluster.nodes.front()->node].name});
    chosen.merge(*best);
  }
  return chosen;
}

}  // namespace lathe
