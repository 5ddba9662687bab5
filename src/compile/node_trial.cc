#include "compile/node_trial.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "backend/host_context.h"
#include "compile/build_plan.h"

namespace lathe {
namespace {

constexpr std::uint64_t kEnoughWeightBytes = std::uint64_t{48} << 20;  // more than caches keep
constexpr std::size_t kMostNodes = 32;
constexpr double kEnoughRows = 64;  // from here on a node's time is computing and not reading
constexpr const char* kSymbol = "candidate";

/// The value whose storage each value uses.
std::vector<ValueId> storage_roots(const Graph& graph) {
  std::vector<ValueId> roots(graph.values.size());
  for (std::size_t i = 0; i < roots.size(); ++i) roots[i] = static_cast<ValueId>(i);
  for (const auto& node : graph.nodes)
    if (node.op->aliases_input >= 0 && !node.op->pure)
      roots[static_cast<std::size_t>(node.outputs[0])] =
          roots[static_cast<std::size_t>(node.inputs[static_cast<std::size_t>(node.op->aliases_input)])];
  return roots;
}

/// As many nodes as it takes to fill the caches with their weights; one where it computes for long.
std::span<const std::size_t> enough(const Graph& graph, std::span<const std::size_t> nodes,
                                    const SymbolValues& values) {
  if (static_cast<double>(values.of("T")) >= kEnoughRows) return nodes.first(1);
  std::uint64_t bytes = 0;
  std::size_t count = 0;
  while (count < nodes.size() && count < kMostNodes && bytes < kEnoughWeightBytes)
    for (const auto input : graph.nodes[nodes[count++]].inputs)
      if (graph.value(input).kind == ValueKind::constant) bytes += graph.value(input).data.bytes();
  return nodes.first(std::max<std::size_t>(count, 1));
}

}  // namespace

double time_of(const TuningOptions& options, const std::function<void()>& function) {
  const auto now = [&options] {
    if (options.clock) return options.clock();
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  };
  const double start = now();
  function();
  return now() - start;
}

Graph trial_graph(const Graph& graph, std::span<const std::size_t> nodes) {
  Graph little;
  little.name = "trial";
  const auto roots = storage_roots(graph);
  std::map<ValueId, ValueId> known;            // constants, inputs and states by root
  std::map<std::size_t, ValueId> activations;  // by the place among a node's inputs
  for (const auto index : nodes) {
    const Node& node = graph.nodes[index];
    std::vector<ValueId> inputs;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId root = roots[static_cast<std::size_t>(node.inputs[i])];
      const Value& value = graph.value(root);
      const auto found = known.find(root);
      if (found != known.end()) {
        inputs.push_back(found->second);
      } else if (value.kind == ValueKind::computed) {
        const auto [place, added] = activations.try_emplace(i, -1);
        if (added)
          place->second = little.add_input("x" + std::to_string(i), graph.value(node.inputs[i]).type);
        inputs.push_back(place->second);
      } else {
        inputs.push_back(value.kind == ValueKind::constant
                             ? little.add_constant(value.name, value.data, value.data_owner)
                             : little.add_input(value.name, value.type, value.kind));
        known.emplace(root, inputs.back());
      }
    }
    const auto outputs = little.add_node(node.op->name, node.name, inputs, node.attributes);
    if (node.op->aliases_input >= 0 && !node.op->pure) {
      const auto changed = static_cast<std::size_t>(node.op->aliases_input);
      known[roots[static_cast<std::size_t>(node.inputs[changed])]] = outputs[0];
    }
  }
  little.add_output("last", little.nodes.back().outputs.back());
  return little;
}

NodeTrial::NodeTrial(const Graph& graph, std::span<const std::size_t> nodes, Backend& backend,
                     const SymbolValues& values, std::span<const KernelCandidate> candidates,
                     TrialStates& states)
    : backend_(backend) {
  const Graph little = trial_graph(graph, enough(graph, nodes, values));
  nodes_ = little.nodes.size();
  std::vector<std::vector<KernelCandidate>> groups;
  for (const auto& candidate : candidates) {
    auto group = std::ranges::find_if(
        groups, [&](const auto& members) { return members.front().layouts == candidate.layouts; });
    if (group == groups.end()) group = groups.insert(groups.end(), std::vector<KernelCandidate>());
    members_.push_back(
        {static_cast<std::size_t>(group - groups.begin()), static_cast<std::int64_t>(group->size())});
    group->push_back(candidate);
  }
  for (const auto& group : groups) groups_.push_back(make_group(little, group, values, states));
}

NodeTrial::Group NodeTrial::make_group(const Graph& little, std::span<const KernelCandidate> candidates,
                                       const SymbolValues& values, TrialStates& states) {
  SymbolValues numbers = values;
  BuildOptions build;
  build.threads = backend_.threads();
  for (const auto& value : little.values)
    for (const auto& dim : value.type.dims)
      if (dim.is_symbolic() && std::ranges::none_of(build.limits, [&](const SymbolLimit& limit) {
            return limit.name == dim.symbol;
          }))
        build.limits.push_back({dim.symbol, values.of(dim)});
  build.limits.push_back({kSymbol, static_cast<std::int64_t>(candidates.size())});
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    ProfileChoices profile;
    profile.name = std::to_string(i);
    for (const auto& limit : build.limits)
      profile.symbols.push_back({limit.maximum, limit.maximum, limit.maximum});
    const auto number = static_cast<std::int64_t>(i);
    profile.symbols.back() = {number, number, number};
    for (std::size_t node = 0; node < little.nodes.size(); ++node)
      profile.nodes[node].choice = candidates[i].choice();
    build.profiles.push_back(std::move(profile));
  }
  for (const auto& node : little.nodes)
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      if (is_packed_weight(little, node, i)) build.layouts[node.inputs[i]] = candidates.front().layouts[i];

  const auto plan = build_plan(little, backend_, build);
  // Every node runs, and waits for the one before as it would in a real plan.
  for (auto& step : plan->steps) step.outputs_mask |= kEffectBit;
  for (auto& profile : plan->profiles)
    for (std::size_t i = 0; i < profile.conflicts.size(); ++i)
      profile.conflicts[i] = static_cast<std::int32_t>(i) - 1;

  Group group;
  group.inputs = std::make_unique<StepInputs>(*plan, backend_, numbers, states);
  group.symbols = numbers.in_order(plan->symbols);
  group.context = backend_.create_context(plan);
  group.inputs->bind(*group.context);
  return group;
}

double NodeTrial::run(std::size_t candidate, const TuningOptions& options) {
  const Member& member = members_.at(candidate);
  Group& group = groups_[member.group];
  group.symbols.back() = member.index;
  return time_of(options, [&] { group.context->run(group.symbols, 1); }) / static_cast<double>(nodes_);
}

}  // namespace lathe
