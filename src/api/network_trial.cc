#include "api/network_trial.h"

#include <algorithm>
#include <array>

#include "passes/pipeline.h"

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

NetworkTrial::NetworkTrial(const ProgramOptions& options, const Graph& graph, const Sizes& sizes,
                           Purpose purpose)
    : program_(std::make_shared<const ProgramImplementation>(trial_options(options, sizes, purpose), graph)),
      execution_(program_, 0) {}

std::vector<Tensor> NetworkTrial::run(const NamedTensors& sample) {
  for (const auto& [name, tensor] : sample) execution_.set_input(name, tensor);
  execution_.run(true);
  std::vector<Tensor> outputs;
  for (const auto& output : program_->output_infos)
    if (std::ranges::find(kFloats, output.dtype) != kFloats.end())
      outputs.push_back(execution_.output(output.name));
  return outputs;
}

NetworkTrial::Times NetworkTrial::time() {
  Times times;
  for (const auto& step : program_->plan->steps) times.steps.emplace_back(step.name, 0.0);
  const auto repeat = [&](auto&& take) {
    double seconds = 0;
    for (int runs = 0; runs < kMostRuns && (runs < kLeastRuns || seconds < kLeastSeconds); ++runs) {
      const RunTimes run = execution_.run(runs == 0);
      seconds += run.compute_end - run.compute_start;
      if (runs > 0) take(runs == 1, run.compute_end - run.compute_start);  // the first one warms up
    }
  };
  repeat([&](bool first, double seconds) { times.whole = first ? seconds : std::min(times.whole, seconds); });
  execution_.set_profiling(true);
  repeat([&](bool first, double) {
    const auto seconds = execution_.layer_seconds();
    for (std::size_t i = 0; i < seconds.size(); ++i)
      times.steps[i].second = first ? seconds[i] : std::min(times.steps[i].second, seconds[i]);
  });
  execution_.set_profiling(false);
  return times;
}

}  // namespace lathe
