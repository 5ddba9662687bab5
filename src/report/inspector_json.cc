// The inspection as JSON. Layers, inputs and outputs have the names of TensorRT's engine inspector
// ("Layers", "Bindings", "I/O Tensors"); what it has no name for follows our own.
#include "base/json.h"
#include "lathe/model.h"

namespace lathe {
namespace {

/// -1 is what TensorRT writes for a dimension that is known at run time alone; "Symbols" has its name.
Json dimensions(const OperandInspection& operand) {
  Json all = Json::array();
  for (const auto& dim : operand.dims)
    all.push_back(!dim.empty() && dim.find_first_not_of("0123456789") == std::string::npos ? std::stoll(dim)
                                                                                           : -1);
  return all;
}

Json operand_json(const OperandInspection& operand) {
  return {{"Name", operand.name},
          {"Location", operand.place},
          {"Dimensions", dimensions(operand)},
          {"Symbols", operand.dims},
          {"Format/Datatype", operand.dtype}};
}

Json operands_json(const std::vector<OperandInspection>& operands) {
  Json all = Json::array();
  for (const auto& operand : operands) all.push_back(operand_json(operand));
  return all;
}

Json kernel_json(const KernelInspection& kernel) {
  return {{"TacticName", kernel.kernel},
          {"Variant", kernel.variant},
          {"Threads", kernel.threads},
          {"Seconds", kernel.seconds > 0 ? Json(kernel.seconds) : Json()}};
}

Json work_json(const StepWork& work) {
  return {{"WeightBytes", work.weight_bytes},
          {"CacheBytes", work.cache_bytes},
          {"ActivationBytes", work.activation_bytes},
          {"Int8Operations", work.int8_operations},
          {"FloatOperations", work.float_operations}};
}

Json choices_json(const Inspection& inspection, std::size_t step) {
  Json all = Json::array();
  for (const auto& profile : inspection.profiles) {
    const ChoiceInspection& choice = profile.choices[step];
    Json shown = {{"Profile", profile.name}};
    shown.update(kernel_json(choice.chosen));
    shown["Work"] = work_json(choice.work);
    Json measured = Json::array();
    for (const auto& tried : choice.measured) measured.push_back(kernel_json(tried));
    shown["Measured"] = std::move(measured);
    all.push_back(std::move(shown));
  }
  return all;
}

Json layer_json(const Inspection& inspection, std::size_t index, InspectionDetail detail) {
  const StepInspection& step = inspection.steps[index];
  if (detail == InspectionDetail::names) return step.name;
  Json layer = {{"Name", step.name},
                {"LayerType", step.op},
                {"Inputs", operands_json(step.inputs)},
                {"Outputs", operands_json(step.outputs)},
                {"TacticName", step.kernel},
                {"StreamId", 0},
                {"Metadata", ""}};
  std::string sources;
  for (const auto& source : step.sources) sources += (sources.empty() ? "" : "\x1f") + source;
  layer["Metadata"] = std::move(sources);
  if (detail == InspectionDetail::layers) return layer;
  Json attributes = Json::object();
  for (const auto& [name, value] : step.attributes) attributes[name] = value;
  layer["Attributes"] = std::move(attributes);
  layer["Kind"] = step.kind;
  layer["Sources"] = step.sources;
  layer["Choices"] = choices_json(inspection, index);
  return layer;
}

Json shape_at(const OperandInspection& operand, const ProfileInspection& profile,
              std::int64_t SymbolInspection::*bound) {
  Json shape = dimensions(operand);
  for (std::size_t i = 0; i < operand.dims.size(); ++i)
    for (const auto& symbol : profile.symbols)
      if (symbol.name == operand.dims[i]) shape[i] = symbol.*bound;
  return shape;
}

Json binding_json(const Inspection& inspection, const BindingInspection& binding) {
  Json profiles = Json::array();
  for (const auto& profile : inspection.profiles)
    profiles.push_back({{"Profile", profile.name},
                        {"Min", shape_at(binding.operand, profile, &SymbolInspection::minimum)},
                        {"Opt", shape_at(binding.operand, profile, &SymbolInspection::optimum)},
                        {"MaxShape", shape_at(binding.operand, profile, &SymbolInspection::maximum)},
                        {"Format", "row major"}});
  return {{"Name", binding.operand.name},      {"IOMode", binding.mode},
          {"DataType", binding.operand.dtype}, {"Dimensions", dimensions(binding.operand)},
          {"Symbols", binding.operand.dims},   {"Location", "Device"},
          {"IsShapeInferenceIO", false},       {"ProfileInfo", std::move(profiles)}};
}

Json profile_json(const ProfileInspection& profile) {
  Json symbols = Json::array();
  for (const auto& symbol : profile.symbols)
    symbols.push_back({{"name", symbol.name},
                       {"minimum", symbol.minimum},
                       {"optimum", symbol.optimum},
                       {"maximum", symbol.maximum}});
  Json placements = Json::array();
  for (const auto& placement : profile.placements)
    placements.push_back({{"tensor", placement.tensor},
                          {"offset", placement.offset},
                          {"bytes", placement.bytes},
                          {"first_step", placement.first_step},
                          {"last_step", placement.last_step},
                          {"in_place", placement.in_place}});
  return {{"name", profile.name},
          {"symbols", std::move(symbols)},
          {"threads", profile.threads},
          {"arena_bytes", profile.arena_bytes},
          {"arena_lower_bound", profile.arena_lower_bound},
          {"tensor_bytes", profile.tensor_bytes},
          {"in_place_bytes", profile.in_place_bytes},
          {"placements", std::move(placements)}};
}

void add_model(const ModelInfo& info, const Inspection& inspection, Json& json) {
  json = {{"name", info.name},
          {"file", info.file},
          {"architecture", info.architecture},
          {"parameters", info.parameters},
          {"tensor_bytes", info.tensor_bytes},
          {"vocabulary", info.vocabulary},
          {"trained_context", info.trained_context},
          {"context_tokens", info.context_tokens},
          {"embedding_dimensions", info.embedding_dimensions},
          {"has_chat_template", info.has_chat_template},
          {"warnings", info.warnings}};
  Json metadata = Json::object();
  for (const auto& [key, value] : inspection.metadata) metadata[key] = value;
  json["metadata"] = std::move(metadata);
  json["unused_keys"] = inspection.unused_keys;
  Json tensors = Json::array();
  for (const auto& tensor : inspection.tensors)
    tensors.push_back(
        {{"name", tensor.name}, {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"bytes", tensor.bytes}});
  json["tensors"] = std::move(tensors);
}

Json precision_json(const PrecisionInspection& precision) {
  Json layers = Json::array();
  for (const auto& layer : precision.layers) {
    Json types = Json::array();
    for (const auto& type : layer.types)
      types.push_back(
          {{"type", type.type}, {"seconds", type.seconds}, {"error", type.error}, {"cosine", type.cosine}});
    layers.push_back({{"name", layer.name},
                      {"op", layer.op},
                      {"precision", layer.precision},
                      {"reason", layer.reason},
                      {"types", std::move(types)}});
  }
  return {{"calibrator", precision.calibrator}, {"from_cache", precision.from_cache},
          {"samples", precision.samples},       {"error", precision.error},
          {"cosine", precision.cosine},         {"limit", precision.limit},
          {"seconds", precision.seconds},       {"seconds_f32", precision.seconds_f32},
          {"layers", std::move(layers)}};
}

void add_plan(const Inspection& inspection, InspectionDetail detail, Json& json) {
  Json passes = Json::array();
  for (const auto& pass : inspection.passes)
    passes.push_back({{"name", pass.name},
                      {"enabled", pass.enabled},
                      {"changed", pass.changed},
                      {"seconds", pass.seconds},
                      {"nodes_before", pass.nodes_before},
                      {"nodes_after", pass.nodes_after}});
  json["passes"] = std::move(passes);
  Json layers = Json::array();
  for (std::size_t i = 0; i < inspection.steps.size(); ++i)
    layers.push_back(layer_json(inspection, i, detail));
  json["Layers"] = std::move(layers);
  Json names = Json::array();
  Json tensors = Json::array();
  for (const auto& binding : inspection.bindings) {
    names.push_back(binding.operand.name);
    tensors.push_back(binding_json(inspection, binding));
  }
  json["Bindings"] = std::move(names);
  json["I/O Tensors"] = std::move(tensors);
  if (detail != InspectionDetail::names) {
    Json profiles = Json::array();
    for (const auto& profile : inspection.profiles) profiles.push_back(profile_json(profile));
    json["profiles"] = std::move(profiles);
    Json weights = Json::array();
    for (const auto& weight : inspection.weights)
      weights.push_back({{"name", weight.name},
                         {"stored", weight.stored},
                         {"layout", weight.layout},
                         {"shape", weight.shape},
                         {"bytes", weight.bytes},
                         {"refittable", weight.refittable}});
    json["weights"] = std::move(weights);
    Json activations = Json::array();
    for (const auto& input : inspection.activations)
      activations.push_back({{"input", input.input},
                             {"weights", input.weights},
                             {"columns", input.columns},
                             {"codes", input.codes},
                             {"fine_columns", input.fine_columns},
                             {"error_before", input.error_before},
                             {"error_after", input.error_after},
                             {"limit", input.limit > 0 ? Json(input.limit) : Json()},
                             {"reason", input.reason}});
    json["activations"] = std::move(activations);
    if (!inspection.precision.layers.empty()) json["precision"] = precision_json(inspection.precision);
  }
  const MemoryInspection& memory = inspection.memory;
  json["memory"] = {{"arena_bytes", memory.arena_bytes},
                    {"arena_lower_bound", memory.arena_lower_bound},
                    {"cache_bytes", memory.cache_bytes},
                    {"weight_bytes_mapped", memory.weight_bytes_mapped},
                    {"weight_bytes_copied", memory.weight_bytes_copied},
                    {"weight_seconds", memory.weight_seconds}};
}

}  // namespace

std::string to_json(const ModelInfo& info, const Inspection& inspection, InspectionDetail detail) {
  Json json;
  add_model(info, inspection, json);
  add_plan(inspection, detail, json);
  return dump_json(json);
}

}  // namespace lathe
