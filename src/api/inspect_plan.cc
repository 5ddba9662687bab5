#include "api/inspect_plan.h"

#include <algorithm>

#include "api/inspect_memory.h"
#include "api/step_work.h"
#include "base/error.h"
#include "base/json.h"
#include "graph/dim_expression.h"

namespace lathe {
namespace {

std::string place_of(const Plan& plan, const PlanTensor& tensor) {
  if (tensor.place == Place::weight) return "weight";
  if (tensor.place == Place::arena) return "arena";
  const auto bound = plan.bindings[static_cast<std::size_t>(tensor.index)];
  // An input's bytes follow from the symbols; a state has as many as its owner gives it.
  return plan.tensors[static_cast<std::size_t>(bound)].max_bytes > 0 ? "input" : "state";
}

OperandInspection operand_of(const Plan& plan, std::int32_t index) {
  const PlanTensor& tensor = plan.tensors[static_cast<std::size_t>(index)];
  OperandInspection operand{printable(tensor.name), std::string(info(tensor.type.dtype).name), {}, ""};
  for (const auto& dim : tensor.type.dims) operand.dims.push_back(to_string(dim));
  operand.place = place_of(plan, tensor);
  return operand;
}

std::string attribute_text(const Attribute& attribute) {
  if (const auto* integer = std::get_if<std::int64_t>(&attribute)) return std::to_string(*integer);
  if (const auto* real = std::get_if<double>(&attribute)) return dump_json(Json(*real));
  return printable(std::get<std::string>(attribute), 2000);
}

StepInspection step_of(const Plan& plan, const PlanStep& step) {
  StepInspection shown;
  shown.name = printable(step.name, 2000);
  shown.kind = kind_of(shown.name);
  shown.op = std::string(step.op->name);
  for (const auto& [name, value] : step.attributes.named())
    shown.attributes.emplace_back(name, attribute_text(value));
  for (const auto tensor : step.inputs) shown.inputs.push_back(operand_of(plan, tensor));
  for (const auto tensor : step.outputs) shown.outputs.push_back(operand_of(plan, tensor));
  return shown;
}

std::string variant_name(const StepChoice& choice) {
  const auto index = static_cast<std::size_t>(choice.variant);
  return index < choice.kernel->variants.size() ? std::string(choice.kernel->variants[index]) : "";
}

/// Every sequence begins with this step, and all are of about the same length.
std::vector<SequencePart> parts_at(const Plan& plan, std::span<const std::int64_t> symbols) {
  std::int64_t tokens = 1;
  std::int64_t sequences = 1;
  for (std::size_t i = 0; i < plan.symbols.size(); ++i) {
    if (plan.symbols[i].name == "T") tokens = symbols[i];
    if (plan.symbols[i].name == "Q") sequences = std::max<std::int64_t>(1, symbols[i]);
  }
  std::vector<SequencePart> parts;
  for (std::int64_t i = 0; i < std::min(sequences, tokens); ++i)
    parts.push_back({0, static_cast<std::int32_t>(tokens / sequences + (i < tokens % sequences ? 1 : 0))});
  return parts;
}

ProfileInspection profile_of(const Plan& plan, const PlanProfile& profile) {
  ProfileInspection shown;
  shown.name = printable(profile.name);
  shown.threads = profile.threads;
  std::vector<std::int64_t> optimum;
  for (std::size_t i = 0; i < profile.symbols.size(); ++i) {
    const SymbolRange& range = profile.symbols[i];
    optimum.push_back(range.optimum);
    if (is_expression(plan.symbols[i].name)) continue;  // follows from the others
    shown.symbols.push_back({printable(plan.symbols[i].name), range.minimum, range.optimum, range.maximum});
  }
  const auto parts = parts_at(plan, optimum);
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const StepChoice& choice = profile.choices[i];
    ChoiceInspection item;
    item.chosen = {choice.kernel == nullptr ? "view" : choice.kernel->name,
                   choice.kernel == nullptr ? std::string() : variant_name(choice), choice.threads, 0};
    for (const auto& tried : profile.measured[i]) {
      item.measured.push_back(
          {printable(tried.kernel), printable(tried.variant), tried.threads, tried.seconds});
      const auto& last = item.measured.back();
      const bool is_chosen = last.kernel == item.chosen.kernel && last.variant == item.chosen.variant &&
                             last.threads == item.chosen.threads;
      if (is_chosen && item.chosen.seconds == 0) item.chosen.seconds = last.seconds;
    }
    if (!plan.dynamic) item.work = step_work(plan, plan.steps[i], optimum, parts);
    shown.choices.push_back(std::move(item));
  }
  if (!plan.dynamic) inspect_memory(plan, profile, shown);
  return shown;
}

void inspect_bindings(const Plan& plan, Inspection& inspection) {
  for (const auto tensor : plan.bindings) {
    auto operand = operand_of(plan, tensor);
    const std::string mode = operand.place;
    inspection.bindings.push_back({std::move(operand), mode});
  }
  for (const auto& output : plan.outputs) {
    auto operand = operand_of(plan, output.tensor);
    operand.name = printable(output.name);
    inspection.bindings.push_back({std::move(operand), "output"});
  }
}

void inspect_weights(const Plan& plan, Inspection& inspection) {
  for (std::size_t i = 0; i < plan.weight_sources.size(); ++i) {
    const WeightSource& source = plan.weight_sources[i];
    inspection.weights.push_back({printable(source.name), std::string(info(source.stored).name),
                                  std::string(info(source.layout).name), source.shape,
                                  plan.weights[i].bytes(), source.refittable});
  }
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string kind_of(std::string_view name) {
  std::string kind;
  std::string part;
  const auto flush = [&] {
    kind += is_number(part) ? "*" : part;
    part.clear();
  };
  for (const char c : name) {
    const bool separates = c == '.' || c == ' ' || c == '(' || c == ')' || c == ',';
    if (separates) {
      flush();
      kind += c;
    } else {
      part += c;
    }
  }
  flush();
  return kind;
}

void inspect_plan(const Plan& plan, Inspection& inspection) {
  for (const auto& step : plan.steps) inspection.steps.push_back(step_of(plan, step));
  for (const auto& profile : plan.profiles) {
    inspection.profiles.push_back(profile_of(plan, profile));
    auto& memory = inspection.memory;
    memory.arena_bytes = std::max(memory.arena_bytes, profile.arena_bytes);
    memory.arena_lower_bound = std::max(memory.arena_lower_bound, profile.arena_lower_bound);
  }
  for (std::size_t i = 0; i < inspection.steps.size(); ++i)
    inspection.steps[i].kernel = inspection.profiles.back().choices[i].chosen.kernel;
  inspect_bindings(plan, inspection);
  inspect_weights(plan, inspection);
  inspection.memory.weight_bytes_mapped = plan.weight_report.mapped_bytes;
  inspection.memory.weight_bytes_copied = plan.weight_report.copied_bytes;
  inspection.memory.weight_seconds = plan.weight_report.seconds;
}

}  // namespace lathe
