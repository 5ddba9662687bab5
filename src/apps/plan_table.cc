#include "apps/plan_table.h"

#include <map>
#include <vector>

#include "apps/activation_table.h"
#include "apps/output.h"

namespace lathe::apps {
namespace {

using Row = std::vector<std::string>;

std::string joined(const std::vector<OperandInspection>& operands) {
  std::string all;
  for (const auto& operand : operands) all += (all.empty() ? "" : ", ") + operand.text();
  return all;
}

std::string kernel_text(const KernelInspection& kernel) {
  return kernel.kernel + (kernel.variant.empty() ? "" : ":" + kernel.variant);
}

bool same(const KernelInspection& a, const KernelInspection& b) {
  return a.kernel == b.kernel && a.variant == b.variant && a.threads == b.threads;
}

/// Steps of one profile that are one row.
struct Group {
  const StepInspection* step = nullptr;
  const ChoiceInspection* choice = nullptr;
  int count = 0;
  double seconds = 0;  // of all together
};

std::vector<Group> groups_of(const Inspection& inspection, const ProfileInspection& profile,
                             InspectionDetail detail) {
  std::vector<Group> groups;
  std::map<std::string, std::size_t> known;
  for (std::size_t i = 0; i < inspection.steps.size(); ++i) {
    const StepInspection& step = inspection.steps[i];
    const ChoiceInspection& choice = profile.choices[i];
    const std::string key = detail == InspectionDetail::full
                                ? std::to_string(i)
                                : step.kind + "\n" + kernel_text(choice.chosen) + "\n" +
                                      std::to_string(choice.chosen.threads) + "\n" + joined(step.inputs);
    const auto [found, is_new] = known.try_emplace(key, groups.size());
    if (is_new) groups.push_back({&step, &choice, 0, 0});
    Group& group = groups[found->second];
    ++group.count;
    group.seconds += choice.chosen.seconds;
  }
  return groups;
}

/// The best of the others that were measured: "1.31 x kernel:variant".
std::string next_best(const ChoiceInspection& choice) {
  for (const auto& tried : choice.measured)
    if (!same(tried, choice.chosen) && choice.chosen.seconds > 0)
      return format_number(tried.seconds / choice.chosen.seconds, 2) + " x " + kernel_text(tried) +
             (tried.threads > 0 ? " on " + std::to_string(tried.threads) : "");
  return "-";
}

std::string ranges_text(const ProfileInspection& profile) {
  std::string text;
  for (const auto& symbol : profile.symbols)
    text += (text.empty() ? "" : ", ") + symbol.name + " " + std::to_string(symbol.minimum) + " to " +
            std::to_string(symbol.maximum) + " (chosen for " + std::to_string(symbol.optimum) + ")";
  return text;
}

std::string share(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  return format_number(100 * static_cast<double>(part) / static_cast<double>(whole), 0) + " %";
}

std::string format_profile(const Inspection& inspection, const ProfileInspection& profile,
                           InspectionDetail detail) {
  std::string text = "profile " + profile.name + ": " + ranges_text(profile) + "\n";
  if (profile.threads > 0) text += "runs on " + std::to_string(profile.threads) + " threads\n";
  std::vector<Row> rows = {
      {"step", "op", "kernel", "inputs", "outputs", "next best", "steps", "threads", "time"}};
  for (const auto& group : groups_of(inspection, profile, detail))
    rows.push_back({detail == InspectionDetail::full ? group.step->name : group.step->kind, group.step->op,
                    kernel_text(group.choice->chosen), joined(group.step->inputs),
                    joined(group.step->outputs), next_best(*group.choice), std::to_string(group.count),
                    group.choice->chosen.threads > 0 ? std::to_string(group.choice->chosen.threads) : "all",
                    group.seconds > 0 ? format_seconds(group.seconds) : "-"});
  text += format_table(rows, 6);
  return text + "arena " + format_bytes(profile.arena_bytes) + ", at least " +
         format_bytes(profile.arena_lower_bound) + " are alive at one step; the tensors are " +
         format_bytes(profile.tensor_bytes) + " together, " +
         share(profile.in_place_bytes, profile.tensor_bytes) + " of that in place of an input\n\n";
}

std::string format_weights(const Inspection& inspection) {
  struct Sum {
    int count = 0;
    std::uint64_t bytes = 0;
  };
  std::map<std::pair<std::string, std::string>, Sum> sums;
  for (const auto& weight : inspection.weights) {
    Sum& sum = sums[{weight.stored, weight.layout}];
    ++sum.count;
    sum.bytes += weight.bytes;
  }
  std::vector<Row> rows = {{"weights stored as", "in the plan", "tensors", "bytes"}};
  for (const auto& [types, sum] : sums)
    rows.push_back({types.first, types.first == types.second ? "as stored" : types.second,
                    std::to_string(sum.count), format_bytes(sum.bytes)});
  return format_table(rows, 2);
}

std::string format_every_weight(const Inspection& inspection) {
  std::vector<Row> rows = {{"weight", "stored", "in the plan", "bytes"}};
  for (const auto& weight : inspection.weights)
    rows.push_back({weight.name, weight.stored, weight.layout, std::to_string(weight.bytes)});
  return format_table(rows, 3);
}

}  // namespace

std::string format_plan(const Inspection& inspection, InspectionDetail detail) {
  std::string text;
  if (detail == InspectionDetail::names) {
    for (const auto& step : inspection.steps) text += step.name + "\n";
    return text;
  }
  for (const auto& profile : inspection.profiles) text += format_profile(inspection, profile, detail);
  text += detail == InspectionDetail::full ? format_every_weight(inspection) : format_weights(inspection);
  const std::string activations =
      format_activations(inspection.activations, detail == InspectionDetail::full);
  if (!activations.empty()) text += "\n" + activations;
  const auto& memory = inspection.memory;
  return text + "\n" +
         format_table({{"arena", format_bytes(memory.arena_bytes)},
                       {"most alive at one step", format_bytes(memory.arena_lower_bound)},
                       {"cache", format_bytes(memory.cache_bytes)},
                       {"weights mapped", format_bytes(memory.weight_bytes_mapped)},
                       {"weights copied", format_bytes(memory.weight_bytes_copied)}});
}

}  // namespace lathe::apps
