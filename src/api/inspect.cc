// What `lathe inspect` shows, gathered from the file, the passes and the plan.
#include <algorithm>
#include <type_traits>
#include <variant>

#include "api/model_implementation.h"
#include "base/error.h"
#include "base/json.h"

namespace lathe {
namespace {

constexpr std::size_t kShownItems = 8;

template <class T>
std::string item_text(const T& item) {
  if constexpr (std::is_same_v<T, std::string>)
    return dump_json(Json(printable(item)));
  else
    return dump_json(Json(item));
}

std::string value_text(const MetadataValue& value) {
  return std::visit(
      [](const auto& held) -> std::string {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::string>) {
          return printable(held);
        } else if constexpr (std::is_arithmetic_v<Held>) {
          return dump_json(Json(held));
        } else {
          std::string text = std::to_string(held.size()) + " items: [";
          for (std::size_t i = 0; i < held.size() && i < kShownItems; ++i)
            text += (i == 0 ? "" : ", ") + item_text(static_cast<typename Held::value_type>(held[i]));
          return text + (held.size() > kShownItems ? ", ...]" : "]");
        }
      },
      value);
}

std::vector<std::string> type_texts(const Plan& plan, const std::vector<std::int32_t>& tensors) {
  std::vector<std::string> texts;
  for (const auto tensor : tensors)
    texts.push_back(to_string(plan.tensors[static_cast<std::size_t>(tensor)].type));
  return texts;
}

void inspect_plan(const ModelImplementation& model, Inspection& inspection) {
  const CompileResult& compiled = model.compiled();
  const Plan& plan = *compiled.plan;
  for (const auto& pass : compiled.passes)
    inspection.passes.push_back({std::string(pass.name), !pass.skipped, pass.changed, pass.seconds});
  const PlanProfile& profile = plan.profiles.back();
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const PlanStep& step = plan.steps[i];
    inspection.steps.push_back({step.name, std::string(step.op->name), profile.choices[i].kernel->name,
                                type_texts(plan, step.inputs), type_texts(plan, step.outputs)});
  }
  for (const auto& each : plan.profiles) {
    inspection.memory.arena_bytes = std::max(inspection.memory.arena_bytes, each.arena_bytes);
    inspection.memory.arena_lower_bound =
        std::max(inspection.memory.arena_lower_bound, each.arena_lower_bound);
  }
  inspection.memory.cache_bytes = model.cache_bytes();
  inspection.memory.weight_bytes_mapped = plan.weight_report.mapped_bytes;
  inspection.memory.weight_bytes_copied = plan.weight_report.copied_bytes;
  inspection.memory.weight_seconds = plan.weight_report.seconds;
}

/// A folder's are known since it was translated; a GGUF file's once its graph has been built.
std::vector<std::string> unused_keys(const ModelImplementation& model) {
  auto keys = model.checkpoint->unused_keys;
  try {
    if (!model.options.weights) model.build_graph();
  } catch (const Error&) {
    return keys;  // a model that cannot be built can be looked at all the same
  }
  const auto unread = model.checkpoint->unread_keys(model.checkpoint->architecture + ".");
  keys.insert(keys.end(), unread.begin(), unread.end());
  return keys;
}

}  // namespace

Inspection inspect(const ModelImplementation& model) {
  Inspection inspection;
  for (const auto& [key, value] : model.checkpoint->metadata)
    inspection.metadata.emplace_back(key, value_text(value));
  for (const auto& name : model.checkpoint->tensor_names) {
    const TensorView& tensor = model.checkpoint->tensors.at(name);
    inspection.tensors.push_back({name, std::string(info(tensor.dtype).name), tensor.shape, tensor.bytes()});
  }
  for (const auto& key : unused_keys(model)) inspection.unused_keys.push_back(printable(key));
  if (model.options.weights) inspect_plan(model, inspection);
  return inspection;
}

std::string to_json(const ModelInfo& info, const Inspection& inspection) {
  Json metadata = Json::object();
  for (const auto& [key, value] : inspection.metadata) metadata[key] = value;
  Json tensors = Json::array();
  for (const auto& tensor : inspection.tensors)
    tensors.push_back(
        {{"name", tensor.name}, {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"bytes", tensor.bytes}});
  Json passes = Json::array();
  for (const auto& pass : inspection.passes)
    passes.push_back({{"name", pass.name},
                      {"enabled", pass.enabled},
                      {"changed", pass.changed},
                      {"seconds", pass.seconds}});
  Json steps = Json::array();
  for (const auto& step : inspection.steps)
    steps.push_back({{"name", step.name},
                     {"op", step.op},
                     {"kernel", step.kernel},
                     {"inputs", step.inputs},
                     {"outputs", step.outputs}});
  const auto& memory = inspection.memory;
  return dump_json({{"name", info.name},
                    {"file", info.file},
                    {"architecture", info.architecture},
                    {"parameters", info.parameters},
                    {"tensor_bytes", info.tensor_bytes},
                    {"vocabulary", info.vocabulary},
                    {"trained_context", info.trained_context},
                    {"context_tokens", info.context_tokens},
                    {"embedding_dimensions", info.embedding_dimensions},
                    {"has_chat_template", info.has_chat_template},
                    {"warnings", info.warnings},
                    {"metadata", std::move(metadata)},
                    {"unused_keys", inspection.unused_keys},
                    {"tensors", std::move(tensors)},
                    {"passes", std::move(passes)},
                    {"steps", std::move(steps)},
                    {"memory",
                     {{"arena_bytes", memory.arena_bytes},
                      {"arena_lower_bound", memory.arena_lower_bound},
                      {"cache_bytes", memory.cache_bytes},
                      {"weight_bytes_mapped", memory.weight_bytes_mapped},
                      {"weight_bytes_copied", memory.weight_bytes_copied},
                      {"weight_seconds", memory.weight_seconds}}}});
}

}  // namespace lathe
