// What `lathe inspect` shows, gathered from the file, the passes and the plan.
#include <algorithm>
#include <type_traits>
#include <variant>

#include "api/inspect_plan.h"
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

/// Names come from the model's file, or all of it from a plan's.
void make_printable(ActivationInspection& input) {
  input.input = printable(input.input);
  input.codes = printable(input.codes);
  input.reason = printable(input.reason);
  for (auto& name : input.weights) name = printable(name);
}

void inspect_compiled(const ModelImplementation& model, Inspection& inspection) {
  const CompileResult& compiled = model.compiled();
  for (const auto& pass : compiled.passes)
    inspection.passes.push_back({std::string(pass.name), !pass.skipped, pass.changed, pass.seconds,
                                 pass.nodes_before, pass.nodes_after});
  inspect_plan(*compiled.plan, inspection);
  inspect_graph(model.build_graph(), inspection);
  inspection.activations = model.activations;
  for (auto& input : inspection.activations) make_printable(input);
  inspection.memory.cache_bytes = model.cache_bytes();
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
  if (model.options.weights) inspect_compiled(model, inspection);
  return inspection;
}

}  // namespace lathe
