// lathe inspect: what a model consists of, and what the compiler made of it.
#include <algorithm>
#include <map>
#include <memory>

#include "apps/command.h"
#include "apps/options.h"
#include "apps/output.h"
#include "apps/plan_table.h"
#include "apps/precision_table.h"
#include "lathe/build.h"
#include "lathe/execute.h"

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
  std::string detail;
  std::string html;
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

/// The shapes that the page shows times of.
std::vector<StepProfile> run_tests(Model& model) {
  constexpr int kPrompt = 512;
  constexpr int kGenerate = 32;
  constexpr int kText = 20;
  const int context = model.options().context_tokens;
  if (model.info().embedding_dimensions > 0) return {model.profile_embedding(std::min(kText, context), 1, 3)};
  return {model.profile(std::min(kPrompt, std::max(1, context - 1)), 0),
          model.profile(0, std::min(kGenerate, std::max(1, context - 2)))};
}

void write_page(Model& model, const std::string& path, Interrupt& interrupt) {
  OutputFile file(path);
  const Interrupt::Cleanup cleanup(interrupt, [&file] { file.discard(); });
  const std::vector<StepProfile> tests = run_tests(model);
  const std::string page =
      to_html(model.info(), model.inspect(), tests, measure_machine_limits(model.options().threads));
  file.write(page.data(), page.size());
  file.flush();
  const auto delay = interrupt.delay();
  file.finish();
}

InspectionDetail detail_named(const std::string& name) {
  if (name == "names") return InspectionDetail::names;
  return name == "layers" ? InspectionDetail::layers : InspectionDetail::full;
}

bool is_network(const std::string& file) {
  if (file.ends_with(".onnx")) return !is_decoder_network(file);
  if (file.ends_with(".plan")) return is_network_plan(file);
  return file.ends_with(".graph") || file.ends_with(".txt");
}

std::string format_infos(const std::string& what, const std::vector<TensorInfo>& infos) {
  std::string text;
  for (const auto& info : infos)
    text += what + " " + info.name + ": " + info.dtype + "[" + joined(info.dims) + "]\n";
  return text;
}

std::string format_bindings(const Program& program) {
  return "network " + program.name() + "\n" + format_infos("input", program.inputs()) +
         format_infos("output", program.outputs());
}

std::string format_network(const Program& program, const Inspection& inspection) {
  std::map<std::string, int> ops;
  for (const auto& node : inspection.before) ++ops[node.op];
  std::uint64_t bytes = 0;
  for (const auto& tensor : inspection.tensors) bytes += tensor.bytes;
  std::string text = format_bindings(program);
  text += std::to_string(inspection.tensors.size()) + " constants, " + format_bytes(bytes) + "; " +
          std::to_string(inspection.before.size()) + " nodes, " + std::to_string(inspection.steps.size()) +
          " steps\n";
  std::vector<std::vector<std::string>> rows = {{"op", "nodes"}};
  for (const auto& [op, count] : ops) rows.push_back({op, std::to_string(count)});
  return text + format_table(rows, 1);
}

/// A network or a graph in text form: there is no model around it.
int inspect_network(const InspectWords& words) {
  if (!words.html.empty() || words.metadata)
    throw Error(ErrorCode::unsupported, "--html and --metadata are of models",
                {words.model.model, std::nullopt, words.html.empty() ? "--metadata" : "--html"});
  ProgramOptions options;
  options.file = words.model.model;
  options.model_options = words.model.options;
  const Program program = Program::load(options);
  const Inspection inspection = program.inspect();
  if (words.json) {
    ModelInfo info;
    info.name = program.name();
    info.file = words.model.model;
    info.architecture = "network";
    write_out(to_json(info, inspection, detail_named(words.detail.empty() ? "full" : words.detail)) + "\n");
    return 0;
  }
  std::string text;
  if (words.tensors) text += format_tensors(inspection);
  if (words.graph) text += program.graph_text(words.before);
  if (words.passes) text += format_passes(inspection);
  if (words.plan)
    text += format_plan(inspection, detail_named(words.detail.empty() ? "layers" : words.detail));
  if (text.empty() && options.file.ends_with(".plan"))
    text = format_bindings(program) + "\n" +
           format_plan(inspection, detail_named(words.detail.empty() ? "layers" : words.detail)) +
           format_precision(inspection.precision);
  if (text.empty()) text = format_network(program, inspection) + format_precision(inspection.precision);
  write_out(text);
  return 0;
}

int run(InspectWords& words, Interrupt& interrupt) {
  if (!words.file.empty()) words.model.model = words.file;
  if (is_network(words.model.model)) return inspect_network(words);
  if (words.before && !words.graph) throw Error(ErrorCode::invalid_argument, "--before belongs to --graph");
  const bool is_plan = words.model.model.ends_with(".plan");
  const bool shows_other = words.json || words.metadata || words.tensors || words.graph || words.passes;
  words.plan = words.plan || (is_plan && words.html.empty() && !shows_other);
  words.model.options.weights =
      words.json || words.passes || words.plan || !words.html.empty() || (words.graph && !words.before);
  Model model = words.model.load();
  if (!words.html.empty()) write_page(model, words.html, interrupt);
  if (words.json) {
    write_out(model.inspect_json(detail_named(words.detail.empty() ? "full" : words.detail)) + "\n");
    return 0;
  }
  if (!words.html.empty() && !words.plan && !shows_other) return 0;
  const Inspection inspection = model.inspect();
  std::string text;
  if (words.metadata) text += format_metadata(inspection);
  if (words.tensors) text += format_tensors(inspection);
  if (words.graph) text += model.graph_text(words.before);
  if (words.passes) text += format_passes(inspection);
  if (words.plan)
    text += format_plan(inspection, detail_named(words.detail.empty() ? "layers" : words.detail));
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
  command
      ->add_option("--detail", words->detail,
                   "of the plan: names of steps, layers (a row for each kind of step) or full (every step); "
                   "default layers, full with --json")
      ->check(CLI::IsMember({"names", "layers", "full"}));
  command->add_flag("--json", words->json, "everything but the graph as one JSON object")->excludes(graph);
  command->add_option("--html", words->html,
                      "run the model a little, and write a page with graphs, kernels, times and memory");
  command->callback(
      [words, &context] { context.chosen = [words, &context] { return run(*words, context.interrupt); }; });
}

}  // namespace lathe::apps
