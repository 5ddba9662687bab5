// Networks as plan files, and what `lathe inspect` shows of them.
#include <chrono>

#include "api/inspect_plan.h"
#include "api/plan_package.h"
#include "api/precision_section.h"
#include "api/program_implementation.h"
#include "base/error.h"
#include "lathe/build.h"

namespace lathe {
namespace {

/// What a pass did, for people.
void inspect_passes(std::span<const PassReport> passes, Inspection& inspection) {
  for (const auto& pass : passes)
    inspection.passes.push_back({std::string(pass.name), !pass.skipped, pass.changed, pass.seconds,
                                 pass.nodes_before, pass.nodes_after});
}

/// Names come from the network's file, or all of it from a plan's.
PrecisionInspection printed(PrecisionInspection precision) {
  precision.calibrator = printable(precision.calibrator);
  for (auto& layer : precision.layers) {
    for (auto* text : {&layer.name, &layer.op, &layer.precision, &layer.reason}) *text = printable(*text);
    for (auto& type : layer.types) type.type = printable(type.type);
  }
  return precision;
}

const CompileResult& compiled(const ProgramImplementation& program) {
  if (program.compiled == nullptr)
    throw Error(ErrorCode::invalid_argument, "the file is a plan, and plans are built of networks");
  return *program.compiled;
}

}  // namespace

PlanSummary build(const ProgramOptions& options, const WritePlan& write) {
  const auto start = std::chrono::steady_clock::now();
  const ProgramImplementation program(options);
  const CompileResult& result = compiled(program);
  std::vector<NamedSection> sections = {{"options", options_section(program.model_options)},
                                        {"graph.before", print(program.before)},
                                        {"graph.after", print(result.graph)},
                                        {"passes", passes_section(result.passes)}};
  if (!program.precision.layers.empty())
    sections.push_back({"precision", write_precision_section(program.precision)});
  std::uint64_t bytes = 0;
  write_plan_file(*result.plan, plan_binding(sections[1].bytes), sections, false, *program.backend,
                  [&](std::span<const std::byte> part, std::uint64_t total) {
                    write(part, total);
                    bytes += part.size();
                  });
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return {bytes,
          static_cast<int>(result.plan->steps.size()),
          static_cast<int>(result.plan->weights.size()),
          seconds.count(),
          {},
          {},
          printed(program.precision)};
}

bool is_network_plan(const std::string& path) {
  return is_plan_file(path) && PlanFile::open(path)->section("metadata").empty();
}

Inspection inspect(const ProgramImplementation& program) {
  Inspection inspection;
  if (program.compiled != nullptr) inspect_passes(program.compiled->passes, inspection);
  if (program.plan_file != nullptr) inspect_passes(plan_passes(*program.plan_file), inspection);
  inspect_plan(*program.plan, inspection);
  if (program.compiled != nullptr) inspect_graph(program.before, inspection);
  inspection.precision = printed(program.precision);
  for (const auto& value : program.before.values)
    if (value.kind == ValueKind::constant)
      inspection.tensors.push_back({printable(value.name), std::string(info(value.type.dtype).name),
                                    value.data.shape, value.data.bytes()});
  return inspection;
}

std::string graph_text(const ProgramImplementation& program, bool before) {
  if (program.plan_file != nullptr)
    return std::string(program.plan_file->text(before ? "graph.before" : "graph.after"));
  return print(before ? program.before : compiled(program).graph);
}

}  // namespace lathe
