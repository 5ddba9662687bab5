#include "api/program_implementation.h"

#include <algorithm>
#include <optional>
#include <set>

#include "api/activation_codes.h"
#include "api/calibration_set.h"
#include "api/engine_version.h"
#include "api/known_models.h"
#include "api/network_precision.h"
#include "api/network_profiles.h"
#include "api/plan_package.h"
#include "api/precision_section.h"
#include "api/program_sharing.h"
#include "api/program_source.h"
#include "backend/plan_file.h"
#include "base/cpu_features.h"
#include "base/error.h"
#include "base/json.h"
#include "compile/compile.h"
#include "cpu/backend.h"
#include "graph/dim_expression.h"

namespace lathe {
namespace {

constexpr std::size_t kMostOutputs = 30;  // bits of ExecutionContext::run
constexpr int kMostThreads = 1024;

std::vector<std::string> graph_symbols(const Graph& graph) {
  std::set<std::string> symbols;
  for (const auto& value : graph.values)
    for (const auto& dim : value.type.dims) symbols.merge(symbols_of(dim));
  return {symbols.begin(), symbols.end()};
}

void require_runnable(const Graph& graph, const std::string& file) {
  if (graph.outputs.empty() || graph.outputs.size() > kMostOutputs)
    throw Error(ErrorCode::unsupported,
                "the graph has " + std::to_string(graph.outputs.size()) + " outputs; 1 to " +
                    std::to_string(kMostOutputs) + " can be run",
                {file, std::nullopt, {}});
  if (graph.nodes.empty() && !file.ends_with(".onnx"))  // a network may be a constant
    throw Error(ErrorCode::unsupported, "the graph computes nothing", {file, std::nullopt, {}});
}

/// What was asked for, as a map without contradictions.
template <class Value>
std::map<std::string, Value> once_each(const std::vector<std::pair<std::string, Value>>& items,
                                       const char* what) {
  std::map<std::string, Value> result;
  for (const auto& [name, value] : items)
    if (!result.try_emplace(name, value).second)
      throw Error(ErrorCode::invalid_argument, printable(name) + " is given twice", {{}, std::nullopt, what});
  return result;
}

/// Those that precision is chosen by, where that is asked for.
std::optional<CalibrationSet> read_samples(const ProgramOptions& options, const Graph& graph) {
  if (options.precision.calibration.empty()) return std::nullopt;
  if (options.file.empty())
    throw Error(ErrorCode::unsupported, "calibration on samples is of networks; models have --activations",
                {options.model, std::nullopt, "calibrate"});
  return CalibrationSet(options.precision.calibration, input_specs(graph, ValueKind::input));
}

/// `options` with sizes that hold all samples: importing goes by how large dimensions get.
ProgramOptions with_sizes_of(const CalibrationSet& samples, ProgramOptions options) {
  Sizes sizes = samples.greatest();
  for (const auto& [symbol, size] : options.sizes) sizes[symbol] = std::max(sizes[symbol], size);
  options.sizes.assign(sizes.begin(), sizes.end());
  return options;
}

ActivationCodes program_activations(const ProgramOptions& options, const ModelOptions& complete) {
  if (options.file.empty())
    return choose_activations(resolve_model(options.model, options.model_options), complete).codes;
  if (complete.activations == kStaticActivations)
    throw Error(ErrorCode::unsupported, "activations is static, and a graph has no text to calibrate on",
                {options.file, std::nullopt, "activations"});
  require_known_activations(complete);
  ModelOptions uncalibrated = complete;
  if (uncalibrated.activations.empty()) uncalibrated.activations = "32";
  return choose_activations(options.file, uncalibrated).codes;
}

Json tensor_json(const Plan& plan, std::int32_t index) {
  const auto& tensor = plan.tensors[static_cast<std::size_t>(index)];
  Json dimensions = Json::array();
  for (const auto& dim : tensor.type.dims) {
    if (dim.is_symbolic())
      dimensions.push_back(dim.symbol);
    else
      dimensions.push_back(dim.value);
  }
  return {{"Name", tensor.name},
          {"Dimensions", std::move(dimensions)},
          {"Format/Datatype", std::string(info(tensor.type.dtype).name)}};
}

}  // namespace

ProgramImplementation::ProgramImplementation(const ProgramOptions& options, const EditGraph& edit) {
  begin(options);
  const std::string file =
      options.file.empty() ? resolve_model(options.model, options.model_options) : options.file;
  if (is_plan_file(file)) {
    if (!options.precision.calibration.empty())
      throw Error(ErrorCode::invalid_argument, "a plan has the types of its layers: calibrate the network",
                  {file, std::nullopt, "calibrate"});
    load_plan(options, file);
  } else {
    ProgramSource source = read_program(options);
    const auto samples = read_samples(options, source.graph);
    if (samples) source = read_program(with_sizes_of(*samples, options));
    if (edit) edit(source.graph);
    ProgramSharing sharing{backend, {}, {}, {}};
    compile_graph(options, std::move(source), samples ? &*samples : nullptr, samples ? &sharing : nullptr);
  }
  choose_outputs(options.outputs);
  describe();
}

ProgramImplementation::ProgramImplementation(const ProgramOptions& options, Graph graph,
                                             ProgramSharing& sharing) {
  backend = sharing.backend;
  begin(options);
  compile_graph(options, {std::move(graph), options.model_options, {}}, nullptr, &sharing);
  choose_outputs(options.outputs);
  describe();
}

void ProgramImplementation::begin(const ProgramOptions& options) {
  if (options.model_options.threads < 0 || options.model_options.threads > kMostThreads)
    throw Error(ErrorCode::invalid_argument, "threads is outside 0 to 1024", {{}, std::nullopt, "threads"});
  keep_tensors = options.keep_tensors;
  first_inputs = once_each(options.inputs, "inputs");
  sizes = once_each(options.sizes, "sizes");
  if (backend == nullptr) backend = make_cpu_backend(options.model_options.threads);
}

void ProgramImplementation::compile_graph(const ProgramOptions& options, ProgramSource source,
                                          const CalibrationSet* samples, ProgramSharing* sharing) {
  require_runnable(source.graph, options.file);
  name = source.graph.name;
  rules = find_index_rules(index_graph(source.graph));
  inputs = input_specs(source.graph, ValueKind::input);
  states = input_specs(source.graph, ValueKind::state);
  const auto profiles = named_profiles(options.profiles, inputs);
  for (const auto& [symbol, size] : greatest_sizes(profiles))
    if (!sizes.try_emplace(symbol, size).second)
      throw Error(ErrorCode::invalid_argument, printable(symbol) + " has a size and a profile",
                  {{}, std::nullopt, "profiles"});
  read_raw_inputs(options);
  before = source.graph;
  if (samples != nullptr) apply_precision(options, *samples, source, *sharing);
  complete_inputs({inputs, graph_symbols(source.graph), rules, options.past, options.seed, {}}, first_inputs,
                  sizes, notes);
  const bool one_size = options.exact_sizes && samples == nullptr && profiles.empty();
  if (one_size && !sizes.empty() && options.file.ends_with(".onnx")) read_again(options, source.graph);
  CompileOptions compile_options;
  compile_options.math = source.options.math;
  compile_options.activations = program_activations(options, source.options);
  compile_options.disabled_passes = source.options.disabled_passes;
  compile_options.reuse_memory = source.options.reuse_memory && !options.keep_tensors;
  compile_options.pack_weights = source.options.pack_weights;
  compile_options.tuning.level = source.options.tuning;
  compile_options.threads = source.options.threads;
  if (sharing != nullptr) {
    compile_options.tuning.cache = &sharing->timings;
    compile_options.derived = &sharing->derived;
    compile_options.packed = &sharing->packed;
  }
  for (const auto& [symbol, size] : sizes) compile_options.limits.push_back({symbol, size});
  compile_options.profiles = network_profiles(profiles, compile_options.limits);
  model_options = source.options;
  compiled =
      std::make_shared<const CompileResult>(compile(std::move(source.graph), *backend, compile_options));
  plan = compiled->plan;
}

void ProgramImplementation::read_again(const ProgramOptions& options, Graph& graph) {
  graph = read_program(options, sizes).graph;
  before = graph;
  rules = find_index_rules(index_graph(graph));
  inputs = input_specs(graph, ValueKind::input);
  states = input_specs(graph, ValueKind::state);
}

void ProgramImplementation::apply_precision(const ProgramOptions& options, const CalibrationSet& samples,
                                            ProgramSource& source, ProgramSharing& sharing) {
  auto choice = choose_precision(options, source, samples, sharing);
  source.graph = std::move(choice.graph);
  precision = std::move(choice.report);
  Sizes given = sizes;
  for (const auto& [input, tensor] : first_inputs) bind_sizes(find_input(inputs, input), tensor, given);
  for (const auto& [symbol, size] : choice.sizes)
    if (!given.contains(symbol)) sizes.emplace(symbol, size);
}

void ProgramImplementation::load_plan(const ProgramOptions& options, const std::string& file) {
  plan_file = PlanFile::open(file);
  plan_file->require_runnable(engine_version(), chosen_isa());
  run_options(options.model_options, *plan_file);  // refuses what the plan was not built for
  if (plan_file->stripped())
    throw Error(ErrorCode::unsupported, "the plan has no weights: lathe refit puts them in",
                {file, std::nullopt, {}});
  reuses_memory = true;
  plan = plan_file->plan(*backend);
  if (const auto section = plan_file->section("precision"); !section.empty())
    precision = read_precision_section(section, file);
  name = plan->name;
  rules = find_index_rules(index_graph(*plan));
  for (const auto binding : plan->bindings) {
    const auto& tensor = plan->tensors[static_cast<std::size_t>(binding)];
    (tensor.max_bytes > 0 ? inputs : states).push_back({tensor.name, tensor.type});
  }
  std::vector<std::string> symbols;
  Sizes typical;
  for (std::size_t i = 0; i < plan->symbols.size(); ++i) {
    if (is_expression(plan->symbols[i].name)) continue;
    symbols.push_back(plan->symbols[i].name);
    if (plan_file->section("metadata").empty())  // of a network
      typical[symbols.back()] = std::max<std::int64_t>(1, plan->profiles[0].symbols[i].optimum);
  }
  read_raw_inputs(options);
  complete_inputs({inputs, symbols, rules, options.past, options.seed, typical}, first_inputs, sizes, notes);
  plan->profile_for(this->symbols(sizes));  // some profile takes these sizes
}

void ProgramImplementation::read_raw_inputs(const ProgramOptions& options) {
  Sizes known = sizes;
  for (const auto& [input, tensor] : first_inputs) bind_sizes(find_input(inputs, input), tensor, known);
  for (const auto& [input, file] : once_each(options.raw_inputs, "inputs"))
    if (!first_inputs.try_emplace(input, read_raw(find_input(inputs, input), file, known)).second)
      throw Error(ErrorCode::invalid_argument, printable(input) + " is given twice",
                  {{}, std::nullopt, "inputs"});
}

void ProgramImplementation::choose_outputs(std::span<const std::string> names) {
  for (const auto& output : names) outputs.push_back(plan->output(output));
  for (int i = 0; names.empty() && i < static_cast<int>(plan->outputs.size()); ++i) outputs.push_back(i);
}

std::vector<std::int64_t> ProgramImplementation::symbols(const Sizes& values) const {
  std::vector<std::int64_t> result;
  for (const auto& symbol : plan->symbols) result.push_back(size_of(symbol.name, values));
  return result;
}

std::uint32_t ProgramImplementation::wanted() const {
  std::uint32_t bits = 0;
  for (const int output : outputs) bits |= 1u << output;
  return bits;
}

std::size_t ProgramImplementation::written_tensor(const std::string& tensor) const {
  const auto found = std::ranges::find(tensor_infos, tensor, &TensorInfo::name);
  if (found != tensor_infos.end())
    for (std::size_t i = 0; i < plan->tensors.size(); ++i)
      if (plan->tensors[i].place == Place::arena && plan->tensors[i].name == tensor) return i;
  throw Error(ErrorCode::invalid_argument, "no layer of the program writes a tensor " + printable(tensor));
}

TensorInfo ProgramImplementation::describe_tensor(std::int32_t tensor, const std::string& shown_name) const {
  const auto& type = plan->tensors[static_cast<std::size_t>(tensor)].type;
  TensorInfo result{shown_name, std::string(info(type.dtype).name), {}, {}};
  result.shape = possible_shape(type, sizes).value_or(Shape());
  for (const auto& dim : type.dims) result.dims.push_back(to_string(dim));
  return result;
}

void ProgramImplementation::describe() {
  for (const auto& input : inputs) {
    TensorInfo shown{input.name, std::string(info(input.type.dtype).name), {}, {}};
    if (input.type.container == Container::tensor) shown.shape = shape_of(input.type, sizes);
    for (const auto& dim : input.type.dims) shown.dims.push_back(to_string(dim));
    input_infos.push_back(std::move(shown));
  }
  for (const int output : outputs) {
    const auto& described = plan->outputs[static_cast<std::size_t>(output)];
    output_infos.push_back(describe_tensor(described.tensor, described.name));
  }
  std::set<std::int32_t> lasting;  // where memory is reused, outputs alone keep their bytes
  for (const auto& output : plan->outputs) lasting.insert(output.tensor);
  std::set<std::int32_t> seen;
  for (const auto& step : plan->steps) {
    if (step.outputs_mask == 0) continue;  // it never runs
    for (const auto tensor : step.outputs) {
      const auto& written = plan->tensors[static_cast<std::size_t>(tensor)];
      const bool kept = !reuses_memory || lasting.contains(tensor);
      if (kept && written.place == Place::arena && seen.insert(tensor).second)
        tensor_infos.push_back(describe_tensor(tensor, written.name));
    }
  }
  named_sizes.assign(sizes.begin(), sizes.end());
}

std::vector<StepInspection> layers(const ProgramImplementation& program) {
  const Plan& plan = *program.plan;
  const auto& profile =
      plan.profiles[static_cast<std::size_t>(plan.profile_for(program.symbols(program.sizes)))];
  const auto operands = [&plan](const std::vector<std::int32_t>& tensors) {
    std::vector<OperandInspection> result;
    for (const auto index : tensors) {
      const auto& tensor = plan.tensors[static_cast<std::size_t>(index)];
      OperandInspection operand{tensor.name, std::string(info(tensor.type.dtype).name), {}, ""};
      for (const auto& dim : tensor.type.dims) operand.dims.push_back(to_string(dim));
      result.push_back(std::move(operand));
    }
    return result;
  };
  std::vector<StepInspection> result;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    StepInspection layer;
    layer.name = plan.steps[i].name;
    layer.op = plan.steps[i].op->name;
    const Kernel* kernel = profile.choices[i].kernel;
    layer.kernel = kernel == nullptr ? "view" : kernel->name;
    layer.inputs = operands(plan.steps[i].inputs);
    layer.outputs = operands(plan.steps[i].outputs);
    result.push_back(std::move(layer));
  }
  return result;
}

std::string layers_json(const ProgramImplementation& program) {
  const Plan& plan = *program.plan;
  const auto all = layers(program);
  Json list = Json::array();
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    Json layer = {{"Name", all[i].name}, {"LayerType", all[i].op}};
    for (const auto& [key, tensors] :
         {std::pair{"Inputs", &plan.steps[i].inputs}, std::pair{"Outputs", &plan.steps[i].outputs}}) {
      layer[key] = Json::array();
      for (const auto tensor : *tensors) layer[key].push_back(tensor_json(plan, tensor));
    }
    layer["TacticName"] = all[i].kernel;
    list.push_back(std::move(layer));
  }
  Json bindings = Json::array();
  for (const auto binding : plan.bindings)
    bindings.push_back(plan.tensors[static_cast<std::size_t>(binding)].name);
  for (const auto& output : plan.outputs) bindings.push_back(output.name);
  return dump_json({{"Layers", std::move(list)}, {"Bindings", std::move(bindings)}}, 1);
}

}  // namespace lathe
