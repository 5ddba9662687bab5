#include "compile/compile.h"

#include <algorithm>
#include <thread>

#include "base/error.h"
#include "compile/build_plan.h"
#include "compile/choose_layouts.h"
#include "compile/copy_outputs.h"
#include "compile/derived_symbols.h"
#include "compile/evaluate.h"
#include "compile/tune.h"
#include "compile/tune_plan.h"
#include "graph/dim_expression.h"

namespace lathe {
namespace {

void require_limits(const Graph& graph, const std::vector<SymbolLimit>& limits) {
  for (const auto& value : graph.values)
    for (const auto& dim : value.type.dims)
      for (const auto& symbol : symbols_of(dim)) {
        const auto known = std::any_of(limits.begin(), limits.end(), [&](const SymbolLimit& limit) {
          return limit.name == symbol && limit.maximum >= 0;
        });
        if (!known)
          throw Error(ErrorCode::invalid_argument, "no limit is given for the dimension " + symbol,
                      {{}, std::nullopt, value.name});
      }
}

/// One profile that takes everything up to the limits.
ProfileRanges whole_range(const std::vector<SymbolLimit>& limits) {
  ProfileRanges whole;
  whole.name = "all";
  for (const auto& limit : limits) whole.symbols.push_back({0, limit.maximum, limit.maximum});
  return whole;
}

}  // namespace

std::vector<PassReport> run_passes(Graph& graph, Backend& backend, const CompileOptions& options) {
  PipelineOptions pipeline;
  pipeline.context.math = options.math;
  pipeline.context.activations = options.activations;
  constexpr std::uint64_t kPart = 32;  // of what there is: several are folded, and packed besides
  const auto memory = options.memory ? options.memory : memory_available();
  if (memory)
    pipeline.context.max_folded_bytes = std::min(pipeline.context.max_folded_bytes, memory->bytes / kPart);
  pipeline.context.evaluate = [&backend](const Node& node, std::span<const TensorView> inputs,
                                         std::span<const ValueType> outputs) {
    return evaluate_on_host(backend.kernels(), node, inputs, outputs);
  };
  pipeline.context.derived = options.derived;
  pipeline.disabled = options.disabled_passes;
  auto reports = run_pipeline(graph, pipeline);
  if (!is_dynamic(graph)) copy_outputs(graph);  // a dynamic plan's outputs may lie anywhere
  for (auto& node : graph.nodes)
    for (auto& body : node.bodies) {
      Graph inner = *body;
      run_passes(inner, backend, options);
      body = std::make_shared<const Graph>(std::move(inner));
    }
  return reports;
}

CompileResult compile(Graph graph, Backend& backend, const CompileOptions& options) {
  require_limits(graph, options.limits);
  CompileResult result;
  result.passes = run_passes(graph, backend, options);
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  BuildOptions build;
  build.limits = options.limits;
  std::vector<ProfileRanges> profiles = options.profiles;
  if (profiles.empty()) profiles.push_back(whole_range(options.limits));
  add_derived_symbols(graph, build.limits, profiles);
  for (const auto& ranges : profiles) {
    ProfileChoices profile;
    profile.name = ranges.name;
    profile.symbols = ranges.symbols;
    build.profiles.push_back(std::move(profile));
  }
  build.placement.reuse_memory = options.reuse_memory;
  build.threads = options.threads > 0 ? options.threads : cores;
  build.packed = options.packed;
  build.memory = options.memory ? options.memory : memory_available();
  if (!options.pack_weights) build.layouts = stored_layouts(graph, backend);
  const bool planned = !is_dynamic(graph);
  if (planned) require_room_for_each(graph, build);
  if (planned) tune(graph, backend, profiles, options.tuning, build);
  const auto plan = build_plan(graph, backend, build);
  if (planned) tune_plan(graph, backend, profiles, options.tuning, build.placement, plan);
  result.plan = plan;
  result.graph = std::move(graph);
  return result;
}

void add_sampling_outputs(Graph& graph, int candidates) {
  const auto found = std::find(graph.output_names.begin(), graph.output_names.end(), "logits");
  if (found == graph.output_names.end())
    throw Error(ErrorCode::invalid_argument, "the graph has no output named logits");
  const ValueId logits = graph.outputs[static_cast<std::size_t>(found - graph.output_names.begin())];
  graph.add_output("arg_max", graph.add("ArgMax", "arg_max", {logits}));
  const auto top = graph.add_node("TopK", "top", {logits}, {{"k", std::int64_t{candidates}}});
  graph.add_output("top_values", top[0]);
  graph.add_output("top_ids", top[1]);
  graph.add_output("log_sum_exp", graph.add("LogSumExp", "log_sum_exp", {logits}));
}

}  // namespace lathe
