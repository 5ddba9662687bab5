#include "api/plan_package.h"

#include <algorithm>

#include "api/activation_section.h"
#include "api/engine_version.h"
#include "api/model_implementation.h"
#include "base/byte_archive.h"
#include "formats/checkpoint_section.h"
#include "text/tokenizer_section.h"

namespace lathe {
namespace {

/// Of the options, those that a plan depends on.
template <class Archive>
void describe_options(Archive& archive, auto& options) {
  archive.number(options.context_tokens, "context_tokens");
  archive.text(options.kv, "kv");
  archive.text(options.math, "math");
  archive.text(options.activations, "activations");
  archive.number(options.activation_limit, "activation_limit");
  archive.text(options.weight_type, "weight_type");
  archive.text(options.device, "device");
  archive.number(options.step_tokens, "step_tokens");
  archive.number(options.sequences, "sequences");
  archive.number(options.cache_tokens, "cache_tokens");
  archive.list(options.disabled_passes, 4, "disabled_passes",
               [&](auto& name) { archive.text(name, "disabled_passes"); });
  archive.number(options.tuning, "tuning");
  archive.flag(options.pack_weights, "pack_weights");
  archive.flag(options.reuse_memory, "reuse_memory");
}

[[noreturn]] void refuse(const PlanFile& file, const std::string& field, const std::string& message) {
  throw Error(ErrorCode::invalid_argument, field + " " + message + "; build another plan for this",
              {file.path(), std::nullopt, field});
}

std::string quoted(const std::string& text) { return "\"" + printable(text) + "\""; }

void require_same(const PlanFile& file, const std::string& field, const std::string& chosen,
                  const std::string& built, const std::string& fallback) {
  if (chosen != built && chosen != fallback)
    refuse(file, field,
           "is " + quoted(chosen) + ", and the plan was built for " +
               (built.empty() ? std::string("what is stored") : quoted(built)));
}

/// `fallback` is what nobody asked for.
int at_most(const PlanFile& file, const std::string& field, int chosen, int built, int fallback) {
  if (chosen > built && chosen != fallback)
    refuse(file, field,
           "is " + std::to_string(chosen) + ", and the plan was built for at most " + std::to_string(built));
  return chosen == 0 ? built : std::min(chosen, built);
}

}  // namespace

std::string options_section(const ModelOptions& options) {
  ArchiveWriter archive;
  describe_options(archive, options);
  return archive.take();
}

std::string passes_section(const std::vector<PassReport>& passes) {
  ArchiveWriter archive;
  archive.list(passes, 22, "passes", [&](const PassReport& pass) {
    archive.text(pass.name, "a pass");
    archive.flag(pass.skipped, "skipped");
    archive.flag(pass.changed, "changed");
    archive.number(std::uint64_t{pass.nodes_before}, "nodes before");
    archive.number(std::uint64_t{pass.nodes_after}, "nodes after");
  });
  return archive.take();
}

PlanBinding plan_binding(const std::string& graph_before) {
  return {engine_version(), chosen_isa(), hash128(graph_before)};
}

void write_model_plan(const ModelImplementation& model, bool strip, const WriteBytes& write) {
  const CompileResult& compiled = model.compiled();
  const std::string before = print(model.build_graph());
  std::vector<NamedSection> sections = {{"options", options_section(model.options)},
                                        {"metadata", write_checkpoint_section(*model.checkpoint)}};
  if (model.tokenizer != nullptr)
    sections.push_back({"tokenizer", write_tokenizer_section(*model.tokenizer)});
  sections.push_back({"graph.before", before});
  sections.push_back({"graph.after", print(compiled.graph)});
  sections.push_back({"passes", passes_section(compiled.passes)});
  sections.push_back({"activations", write_activation_section(model.activations)});
  write_plan_file(*compiled.plan, plan_binding(before), sections, strip, model.backend(), write);
}

ModelOptions plan_options(const PlanFile& file) {
  ArchiveReader archive(file.section("options"), file.path(), "options");
  ModelOptions options;
  describe_options(archive, options);
  archive.end();
  return options;
}

ModelOptions run_options(const ModelOptions& chosen, const PlanFile& file) {
  const ModelOptions built = plan_options(file);
  const ModelOptions fallback;
  ModelOptions options = chosen;
  require_same(file, "kv", chosen.kv, built.kv, fallback.kv);
  require_same(file, "math", chosen.math, built.math, fallback.math);
  require_same(file, "activations", chosen.activations, built.activations, fallback.activations);
  if (chosen.activation_limit != built.activation_limit && chosen.activation_limit != 0)
    refuse(file, "activation_limit", "is another than the one that the plan was built for");
  require_same(file, "weight_type", chosen.weight_type, built.weight_type, fallback.weight_type);
  require_same(file, "device", chosen.device, built.device, fallback.device);
  if (!chosen.disabled_passes.empty() && chosen.disabled_passes != built.disabled_passes)
    refuse(file, "disabled_passes", "are others than those that the plan was built without");
  if (chosen.pack_weights != built.pack_weights && chosen.pack_weights != fallback.pack_weights)
    refuse(file, "pack_weights", "is off, and the plan's weights are packed");
  if (chosen.reuse_memory != built.reuse_memory && chosen.reuse_memory != fallback.reuse_memory)
    refuse(file, "reuse_memory", "is off, and the plan was built with it");
  options.kv = built.kv;
  options.math = built.math;
  options.activations = built.activations;
  options.activation_limit = built.activation_limit;
  options.weight_type = built.weight_type;
  options.device = built.device;
  options.disabled_passes = built.disabled_passes;
  options.tuning = built.tuning;
  options.pack_weights = built.pack_weights;
  options.reuse_memory = built.reuse_memory;
  options.context_tokens =
      at_most(file, "context_tokens", chosen.context_tokens, built.context_tokens, fallback.context_tokens);
  options.step_tokens =
      at_most(file, "step_tokens", chosen.step_tokens, built.step_tokens, fallback.step_tokens);
  options.sequences = at_most(file, "sequences", chosen.sequences, built.sequences, fallback.sequences);
  options.cache_tokens = at_most(file, "cache_tokens", chosen.cache_tokens,
                                 std::max(built.cache_tokens, built.context_tokens), fallback.cache_tokens);
  if (chosen.cache_tokens == 0) options.cache_tokens = chosen.context_tokens == 0 ? built.cache_tokens : 0;
  return options;
}

std::vector<PassReport> plan_passes(const PlanFile& file) {
  ArchiveReader archive(file.section("passes"), file.path(), "passes");
  std::vector<PassReport> passes;
  archive.list(passes, 22, "passes", [&](PassReport& pass) {
    pass.name = archive.view("a pass");
    archive.flag(pass.skipped, "skipped");
    archive.flag(pass.changed, "changed");
    std::uint64_t nodes = 0;
    archive.number(nodes, "nodes before");
    pass.nodes_before = nodes;
    archive.number(nodes, "nodes after");
    pass.nodes_after = nodes;
  });
  archive.end();
  return passes;
}

}  // namespace lathe
