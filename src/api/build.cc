// Plans as files: building, refitting, verifying.
#include "lathe/build.h"

#include <algorithm>
#include <chrono>

#include "api/engine_version.h"
#include "api/known_models.h"
#include "api/model_implementation.h"
#include "api/plan_package.h"
#include "compile/refit.h"
#include "cpu/backend.h"
#include "formats/onnx_checkpoint.h"
#include "formats/onnx_functions.h"

namespace lathe {
namespace {

using Clock = std::chrono::steady_clock;

/// Counts what is written.
WriteBytes counted(const WritePlan& write, std::uint64_t& bytes) {
  return [&write, &bytes](std::span<const std::byte> part, std::uint64_t total) {
    write(part, total);
    bytes += part.size();
  };
}

PlanSummary summary(const ModelImplementation& model, std::uint64_t bytes, Clock::time_point start) {
  const Plan& plan = model.plan();
  return {bytes, static_cast<int>(plan.steps.size()), static_cast<int>(plan.weights.size()),
          std::chrono::duration<double>(Clock::now() - start).count(), model.info.warnings,
          model.activations,
          {}};
}

std::string resolve_source(const std::string& name_or_path, const ModelOptions& options) {
  const std::string path = resolve_model(name_or_path, options);
  if (is_plan_file(path))
    throw Error(ErrorCode::invalid_argument, "the file is a plan, and plans are built of models",
                {path, std::nullopt, "model"});
  return path;
}

}  // namespace

bool is_decoder_network(const std::string& path) {
  if (!path.ends_with(".onnx")) return false;
  const auto network = onnx::expand_functions(onnx::read_onnx(path));
  return std::ranges::any_of(network.graph.nodes, onnx::is_cached_attention);
}

PlanSummary build(const std::string& name_or_path, const PlanOptions& options, const WritePlan& write) {
  const auto start = Clock::now();
  ModelOptions chosen = options.model;
  chosen.weights = true;
  const ModelImplementation model(resolve_source(name_or_path, chosen), chosen);
  std::uint64_t bytes = 0;
  write_model_plan(model, options.strip, counted(write, bytes));
  return summary(model, bytes, start);
}

PlanSummary refit(const std::string& plan, const std::string& name_or_path, const ModelOptions& options,
                  const WritePlan& write) {
  const auto start = Clock::now();
  const auto file = PlanFile::open(plan);
  file->require_runnable(engine_version(), chosen_isa());
  ModelOptions chosen = plan_options(*file);
  chosen.threads = options.threads;
  chosen.fetch = options.fetch;
  chosen.show_fetch = options.show_fetch;
  chosen.strict = options.strict;
  chosen.check_weights = options.check_weights;
  const ModelImplementation model(resolve_source(name_or_path, chosen), chosen, *file);
  std::uint64_t bytes = 0;
  write_model_plan(model, false, counted(write, bytes));
  return summary(model, bytes, start);
}

void verify_plan(const std::string& plan) {
  const auto file = PlanFile::open(plan);
  file->verify_weights();
  ModelOptions options;
  options.threads = 1;
  const ModelImplementation model(plan, options);  // throws where this machine cannot run it
}

}  // namespace lathe
