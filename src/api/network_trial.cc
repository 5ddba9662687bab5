#include "api/network_trial.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "passes/pipeline.h"
#include "passes/uses.h"

namespace lathe {
namespace {

constexpr std::array kFloats = {"f32", "f16", "bf16", "f64"};
constexpr double kLeastSeconds = 0.2;  // of runs that are timed
constexpr int kLeastRuns = 5;
constexpr int kMostRuns = 100;

ProgramOptions trial_options(const ProgramOptions& options, const Sizes& sizes,
                             NetworkTrial::Purpose purpose) {
  ProgramOptions trial = options;
  trial.precision = {};
  trial.outputs.clear();
  trial.inputs.clear();
  trial.raw_inputs.clear();
  trial.sizes.assign(sizes.begin(), sizes.end());
  trial.profiles.clear();  // the sizes are enough
  trial.exact_sizes = false;
  if (purpose == NetworkTrial::Purpose::times) return trial;
  trial.model_options.tuning = 0;
  if (purpose == NetworkTrial::Purpose::outputs) return trial;
  trial.keep_tensors = true;
  trial.model_options.disabled_passes.clear();
  for (const auto& pass : all_passes())
    if (pass.name != "matmul_to_linear") trial.model_options.disabled_passes.emplace_back(pass.name);
  return trial;
}

}  // namespace

NetworkTrial::NetworkTrial(const ProgramOptions& options, Graph graph, const Sizes& sizes, Purpose purpose,
                           ProgramSharing& sharing) {
  const auto program = std::make_shared<ProgramImplementation>(trial_options(options, sizes, purpose),
                                                               std::move(graph), sharing);
  if (purpose != Purpose::times) program->first_inputs.clear();  // made up, and as large as can be
  program_ = program;
}

ExecutionImplementation& NetworkTrial::execution() {
  if (!execution_) execution_.emplace(program_, 0);
  return *execution_;
}

std::vector<Tensor> NetworkTrial::run(const NamedTensors& sample) {
  auto& run = execution();
  for (const auto& [name, tensor] : sample) run.set_input(name, tensor);
  run.run(true);
  std::vector<Tensor> outputs;
  for (const auto& name : output_names()) outputs.push_back(run.output(name));
  return outputs;
}

std::vector<std::string> NetworkTrial::output_names() const {
  std::vector<std::string> names;
  for (const auto& output : program_->output_infos)
    if (std::ranges::find(kFloats, output.dtype) != kFloats.end()) names.push_back(output.name);
  return names;
}

/// Behind matmul_to_linear a product may be a view of what a layer writes.
Tensor NetworkTrial::tensor(const std::string& name) const {
  const Graph& graph = program_->compiled->graph;
  const auto found = std::ranges::find(graph.values, name, &Value::name);
  CHECK(found != graph.values.end() && execution_);
  const Uses uses(graph);
  auto id = static_cast<ValueId>(found - graph.values.begin());
  for (auto producer = uses.producer(id); producer >= 0; producer = uses.producer(id)) {
    const Node& node = graph.nodes[static_cast<std::size_t>(producer)];
    if (!node.op->pure || node.op->aliases_input < 0) break;
    id = node.inputs[static_cast<std::size_t>(node.op->aliases_input)];
  }
  Tensor tensor = execution_->tensor(graph.value(id).name);
  tensor.shape = execution_->shape(found->type);
  return tensor;
}

NetworkTrial::Times NetworkTrial::time() {
  auto& execution = this->execution();
  Times times;
  for (const auto& step : program_->plan->steps) times.steps.emplace_back(step.name, 0.0);
  const auto repeat = [&](auto&& take) {
    double seconds = 0;
    for (int runs = 0; runs < kMostRuns && (runs < kLeastRuns || seconds < kLeastSeconds); ++runs) {
      const RunTimes run = execution.run(runs == 0);
      seconds += run.compute_end - run.compute_start;
      if (runs > 0) take(runs == 1, run.compute_end - run.compute_start);  // the first one warms up
    }
  };
  repeat([&](bool first, double seconds) { times.whole = first ? seconds : std::min(times.whole, seconds); });
  execution.set_profiling(true);
  repeat([&](bool first, double) {
    const auto seconds = execution.layer_seconds();
    for (std::size_t i = 0; i < seconds.size(); ++i)
      times.steps[i].second = first ? seconds[i] : std::min(times.steps[i].second, seconds[i]);
  });
  execution.set_profiling(false);
  return times;
}

}  // namespace lathe
