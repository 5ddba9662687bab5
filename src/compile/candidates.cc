#include "compile/candidates.h"

#include <algorithm>

#include "compile/pack_weights.h"
#include "quant/block_format.h"
#include "quant/wider_layouts.h"

namespace lathe {
namespace {

/// What a weight may be given as: its own layout, wider ones, and as the file has it.
std::vector<Dtype> layouts_of(Dtype stored, Dtype packed) {
  std::vector<Dtype> layouts = {packed};
  const auto wider = wider_layouts(packed);
  layouts.insert(layouts.end(), wider.begin(), wider.end());
  layouts.push_back(stored);
  return layouts;
}

/// Every way to lay out the node's weights; those of one stored type lie alike. The first is their own.
std::vector<std::vector<Dtype>> layout_choices(const Graph& graph, const Node& node) {
  std::vector<Dtype> own;
  std::vector<std::pair<Dtype, Dtype>> kinds;  // stored and packed type of the packed weights
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    own.push_back(weight_layout(graph, node, i));
    const std::pair kind(graph.value(node.inputs[i]).type.dtype, own.back());
    if (kind.first != kind.second && std::ranges::find(kinds, kind) == kinds.end()) kinds.push_back(kind);
  }
  std::vector<std::vector<Dtype>> choices = {own};
  for (const auto& [stored, packed] : kinds) {
    std::vector<std::vector<Dtype>> all;
    for (const Dtype layout : layouts_of(stored, packed))
      for (auto choice : choices) {
        for (std::size_t i = 0; i < choice.size(); ++i)
          if (graph.value(node.inputs[i]).type.dtype == stored && own[i] == packed) choice[i] = layout;
        all.push_back(std::move(choice));
      }
    choices = std::move(all);
  }
  return choices;
}

std::vector<std::int32_t> thread_splits(const Kernel& kernel, int threads, const CandidateRules& rules) {
  if (!rules.thread_splits || threads == 1) return {0};
  if (kernel.serial == nullptr) return {0, 1};
  return {0, 1, threads};
}

}  // namespace

OperandTypes::OperandTypes(const Graph& graph, const Node& node, std::span<const Dtype> layouts) {
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    inputs.push_back({layouts[i], graph.value(node.inputs[i]).type.dims});
  for (const auto output : node.outputs) outputs.push_back(graph.value(output).type);
}

bool is_packed_weight(const Graph& graph, const Node& node, std::size_t input) {
  return weight_layout(graph, node, input) != graph.value(node.inputs[input]).type.dtype;
}

std::vector<KernelCandidate> candidates_of(const Graph& graph, const Node& node, const Backend& backend,
                                           const CandidateRules& rules) {
  const auto choices = layout_choices(graph, node);
  const OperandTypes own(graph, node, choices.front());
  const Kernel* first = find_kernel(backend.kernels(), {own.inputs, own.outputs, &node});
  if (first == nullptr) return {};
  std::vector<KernelCandidate> candidates = {{first, 0, 0, choices.front()}};
  for (const auto& layouts : choices) {
    const OperandTypes types(graph, node, layouts);
    for (const auto& kernel : backend.kernels()) {
      if (kernel.op != node.op->name || kernel.arithmetic != first->arithmetic) continue;
      if (kernel.accepts != nullptr && !kernel.accepts({types.inputs, types.outputs, &node})) continue;
      const auto variants =
          rules.variants ? std::max<std::int32_t>(1, static_cast<std::int32_t>(kernel.variants.size())) : 1;
      for (std::int32_t variant = 0; variant < variants; ++variant)
        for (const auto threads : thread_splits(kernel, backend.threads(), rules)) {
          KernelCandidate candidate{&kernel, variant, threads, layouts};
          if (candidate != candidates.front()) candidates.push_back(std::move(candidate));
        }
    }
  }
  return candidates;
}

std::string layout_text(const Graph& graph, const Node& node, std::span<const Dtype> layouts) {
  std::string text;
  for (std::size_t i = 0; i < layouts.size(); ++i)
    if (is_packed_weight(graph, node, i))
      text += (text.empty() ? "" : "+") + std::string(info(layouts[i]).name);
  return text;
}

std::string variant_name(const Kernel& kernel, std::int32_t variant) {
  return kernel.variants.empty() ? "" : std::string(kernel.variants[static_cast<std::size_t>(variant)]);
}

TimedCandidate timed(const Graph& graph, const Node& node, const KernelCandidate& candidate, double seconds) {
  return {candidate.kernel->name, variant_name(*candidate.kernel, candidate.variant), candidate.threads,
          layout_text(graph, node, candidate.layouts), seconds};
}

}  // namespace lathe
