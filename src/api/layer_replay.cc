#include "api/layer_replay.h"

#include <algorithm>

#include "graph/dim_expression.h"
#include "passes/dependent_graph.h"

namespace lathe {
namespace {

/// Whether a recorded tensor can be an input: its sizes are numbers, or symbols that inputs give a number.
bool can_be_given(const Value& value) {
  return is_planned(value.type) && is_element(value.type.dtype) &&
         std::ranges::none_of(value.type.dims,
                              [](const Dim& dim) { return dim.is_symbolic() && is_expression(dim.symbol); });
}

}  // namespace

LayerReplay::LayerReplay(const ProgramOptions& options, const Graph& graph, const TypedLayer& typed,
                         const Sizes& sizes, ProgramSharing& sharing) {
  Graph part = dependent_graph(graph, typed.layer.position, can_be_given);
  if (part.outputs.empty()) return;
  WeightedLayer layer = typed.layer;
  const auto output = graph.nodes[layer.position].outputs[0];
  const auto here = std::ranges::find_if(
      part.nodes, [output](const Node& node) { return !node.outputs.empty() && node.outputs[0] == output; });
  layer.position = static_cast<std::size_t>(here - part.nodes.begin());
  for (const auto& value : part.values)
    if (value.kind == ValueKind::input) inputs_.push_back(value.name);
  set_layer_types(part, {&layer, 1}, {&typed.type, 1}, {&typed.range, 1}, &sharing.derived);
  trial_ = std::make_unique<NetworkTrial>(options, std::move(part), sizes, NetworkTrial::Purpose::outputs,
                                          sharing);
}

std::vector<Tensor> LayerReplay::run(const std::map<std::string, Tensor>& values) {
  if (trial_ == nullptr) return {};
  NamedTensors sample;
  for (const auto& name : inputs_) sample.emplace_back(name, values.at(name));
  auto outputs = trial_->run(sample);
  trial_->rest();
  return outputs;
}

}  // namespace lathe
