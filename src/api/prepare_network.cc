#include "api/prepare_network.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/hash.h"
#include "compile/build_plan.h"
#include "compile/evaluate.h"
#include "cpu/backend.h"
#include "passes/pipeline.h"

namespace lathe {
namespace {

constexpr std::array<std::string_view, 8> kPasses = {
    "fold_constants",       "compute_sizes",       "remove_identities",           "fold_channel_factors",
    "recognize_reductions", "recognize_attention", "merge_common_subexpressions", "remove_dead_nodes"};

void require_float(const Graph& graph, const std::string& file) {
  for (const auto& node : graph.nodes)
    if (node.op->name == "QuantizeLinear")
      throw Error(ErrorCode::invalid_argument,
                  "the network says its own precision: " + printable(node.name) + " is a QuantizeLinear",
                  {file, std::nullopt, "calibrate"});
}

}  // namespace

Graph prepare_network(const ProgramOptions& options, Graph graph) {
  require_float(graph, options.file);
  const auto backend = make_cpu_backend(options.model_options.threads);
  PipelineOptions pipeline;
  pipeline.context.evaluate = [&backend](const Node& node, std::span<const TensorView> inputs,
                                         std::span<const ValueType> outputs) {
    return evaluate_on_host(backend->kernels(), node, inputs, outputs);
  };
  pipeline.disabled = options.model_options.disabled_passes;
  for (const auto& pass : all_passes())
    if (std::ranges::find(kPasses, pass.name) == kPasses.end()) pipeline.disabled.emplace_back(pass.name);
  run_pipeline(graph, pipeline);
  if (is_dynamic(graph))
    throw Error(ErrorCode::unsupported,
                "a network with sizes that depend on what its tensors hold cannot be calibrated",
                {options.file, std::nullopt, "calibrate"});
  return graph;
}

std::string network_hash(const Graph& graph) {
  std::string text = print(graph);
  for (const auto& value : graph.values)
    if (value.kind == ValueKind::constant && value.data.data != nullptr)
      text += to_string(hash128(std::span(value.data.data, value.data.bytes())));
  return to_string(hash128(text));
}

}  // namespace lathe
