// lathe inspect: what a model consists of, and what the compiler made of it.
#include <map>
#include <memory>

#include "apps/command.h"
#include "apps/options.h"
#include "apps/output.h"

namespace lathe::apps {
namespace {

struct InspectWords {
  ModelWords model;
  std::string file;
  bool tensors = false;
  bool metadata = false;
  bool graph = false;
  bool before = false;
  bool passes = false;
  bool plan = false;
  bool json = false;
};

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

std::string format_model(const ModelInfo& info, const Inspection& inspection) {
  struct Sum {
    int tensors = 0;
    std::uint64_t bytes = 0;
  };
  std::map<std::string, Sum> by_type;
  for (const auto& tensor : inspection.tensors) {
    ++by_type[tensor.dtype].tensors;
    by_type[tensor.dtype].bytes += tensor.bytes;
  }
  std::vector<std::vector<std::string>> rows = {
      {"name", info.name},
      {"file", info.file},
      {"architecture", info.architecture},
      {"parameters", format_number(static_cast<double>(info.parameters) / 1e6, 1) + " million"},
      {"vocabulary", std::to_string(info.vocabulary)},
      {"trained context", std::to_string(info.trained_context)},
      info.embedding_dimensions == 0
          ? std::vector<std::string>{"chat template", info.has_chat_template ? "yes" : "no"}
          : std::vector<std::string>{"embedding", std::to_string(info.embedding_dimensions) +
                                                      " numbers, of " + std::to_string(info.context_tokens) +
                                                      " tokens at most"},
      {"tensors", std::to_string(inspection.tensors.size()) + ", " + format_bytes(info.tensor_bytes)}};
  if (!inspection.unused_keys.empty())
    rows.push_back({"unused keys", std::to_string(inspection.unused_keys.size()) + ", see --metadata"});
  for (const auto& [type, sum] : by_type)
    rows.push_back({"  " + type, std::to_string(sum.tensors) + ", " + format_bytes(sum.bytes)});
  return format_table(rows, 2);
}

std::string format_metadata(const Inspection& inspection) {
  std::vector<std::vector<std::string>> rows = {{"key", "value"}};
  for (const auto& [key, value] : inspection.metadata) rows.push_back({key, value});
  std::string text = format_table(rows, 2);
  if (!inspection.unused_keys.empty())
    text += "\nkeys of the configuration that change nothing: " + joined(inspection.unused_keys) + "\n";
  return text;
}

std::string format_tensors(const Inspection& inspection) {
  std::vector<std::vector<std::string>> rows = {{"tensor", "type", "shape", "bytes"}};
  for (const auto& tensor : inspection.tensors)
    rows.push_back({tensor.name, tensor.dtype, shape_text(tensor.shape), std::to_string(tensor.bytes)});
  return format_table(rows, 3);
}

std::string format_passes(const Inspection& inspection) {
  std::vector<std::vector<std::string>> rows = {{"pass", "result", "time"}};
  for (const auto& pass : inspection.passes)
    rows.push_back({pass.name,
                    !pass.enabled  ? "off"
                    : pass.changed ? "changed"
                                   : "no change",
                    format_seconds(pass.seconds)});
  return format_table(rows, 2);
}

std::string format_plan(const Inspection& inspection) {
  std::vector<std::vector<std::string>> rows = {{"step", "kernel", "inputs", "outputs"}};
  for (const auto& step : inspection.steps)
    rows.push_back({step.name, step.kernel, joined(step.inputs), joined(step.outputs)});
  const auto& memory = inspection.memory;
  return format_table(rows, 4) + "\n" +
         format_table({{"arena", format_bytes(memory.arena_bytes)},
                       {"most alive at one step", format_bytes(memory.arena_lower_bound)},
                       {"cache", format_bytes(memory.cache_bytes)},
                       {"weights mapped", format_bytes(memory.weight_bytes_mapped)},
                       {"weights copied", format_bytes(memory.weight_bytes_copied)}});
}

int run(InspectWords& words) {
  if (!words.file.empty()) words.model.model = words.file;
  if (words.before && !words.graph) throw Error(ErrorCode::invalid_argument, "--before belongs to --graph");
  words.model.options.weights = words.json || words.passes || words.plan || (words.graph && !words.before);
  const Model model = words.model.load();
  if (words.json) {
    write_out(model.inspect_json() + "\n");
    return 0;
  }
  const Inspection inspection = model.inspect();
  std::string text;
  if (words.metadata) text += format_metadata(inspection);
  if (words.tensors) text += format_tensors(inspection);
  if (words.graph) text += model.graph_text(words.before);
  if (words.passes) text += format_passes(inspection);
  if (words.plan) text += format_plan(inspection);
  write_out(text.empty() ? format_model(model.info(), inspection) : text);
  return 0;
}

}  // namespace

void add_inspect(CLI::App& program, Context& context) {
  auto words = std::make_shared<InspectWords>();
  CLI::App* command = program.add_subcommand("inspect", "show a model, its graph and its plan");
  CLI::Option* file = command->add_option("MODEL", words->file, "the same as --model");
  words->model.add_computing(*command);
  command->get_option("--model")->excludes(file);
  command->add_flag("--metadata", words->metadata, "the file's keys and values");
  command->add_flag("--tensors", words->tensors, "every tensor");
  CLI::Option* graph =
      command->add_flag("--graph", words->graph, "the graph in text form, behind the passes");
  command->add_flag("--before", words->before, "with --graph: before the passes");
  command->add_flag("--passes", words->passes, "the passes and their times");
  command->add_flag("--plan", words->plan, "the plan's steps with their kernels, and its memory");
  command->add_flag("--json", words->json, "everything but the graph as one JSON object")->excludes(graph);
  command->callback([words, &context] { context.chosen = [words] { return run(*words); }; });
}

}  // namespace lathe::apps
