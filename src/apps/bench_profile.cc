#include "apps/bench_profile.h"

#include <algorithm>
#include <map>

#include "apps/output.h"

namespace lathe::apps {
namespace {

/// Steps that are one row, all runs together.
struct Part {
  std::string name;
  std::string op;
  std::string kernel;
  int steps = 0;
  double seconds = 0;
  StepWork work;
};

std::string kernel_of(const Inspection& inspection, const StepProfile& profile, std::size_t step) {
  const auto& used = inspection.profiles[static_cast<std::size_t>(profile.profiles[step])];
  const KernelInspection& kernel = used.choices[step].chosen;
  return kernel.kernel + (kernel.variant.empty() ? "" : ":" + kernel.variant);
}

/// Steps that ran, in the plan's order; kinds and ops with the most time first.
std::vector<Part> parts_of(const Inspection& inspection, const StepProfile& profile,
                           ProfileGrouping grouping) {
  std::vector<Part> parts;
  std::map<std::string, std::size_t> known;
  for (std::size_t i = 0; i < inspection.steps.size(); ++i) {
    if (profile.profiles[i] < 0) continue;
    const StepInspection& step = inspection.steps[i];
    const std::string kernel = kernel_of(inspection, profile, i);
    const std::string& name = grouping == ProfileGrouping::layers  ? step.name
                              : grouping == ProfileGrouping::kinds ? step.kind
                                                                   : step.op;
    const std::string key =
        grouping == ProfileGrouping::layers ? std::to_string(i) : name + "\n" + step.op + "\n" + kernel;
    const auto [found, is_new] = known.try_emplace(key, parts.size());
    if (is_new) parts.push_back({name, step.op, kernel, 0, 0, {}});
    Part& part = parts[found->second];
    ++part.steps;
    part.seconds += profile.times[i];
    part.work += profile.work[i];
  }
  if (grouping != ProfileGrouping::layers)
    std::stable_sort(parts.begin(), parts.end(),
                     [](const Part& a, const Part& b) { return a.seconds > b.seconds; });
  return parts;
}

double rate(std::uint64_t amount, double seconds) {
  return seconds > 0 ? static_cast<double>(amount) / seconds : 0;
}

std::string percent(double share) { return share > 0 ? format_number(100 * share, 0) + " %" : "-"; }

StepWork whole_work(const StepProfile& profile) {
  StepWork whole;
  for (const auto& work : profile.work) whole += work;
  return whole;
}

std::vector<std::string> row(const std::string& name, const std::string& op, const std::string& kernel,
                             const std::string& steps, double seconds, const StepWork& work,
                             const StepProfile& profile, const MachineLimits& limits) {
  const auto runs = static_cast<double>(std::max<std::int64_t>(1, profile.runs));
  return {name,
          op,
          kernel,
          steps,
          format_seconds(seconds / runs),
          format_number(100 * seconds / profile.seconds, 1) + " %",
          format_bytes(static_cast<std::uint64_t>(static_cast<double>(work.bytes()) / runs)),
          format_number(rate(work.bytes(), seconds) / 1e9, 1),
          work.operations() > 0 ? format_number(rate(work.operations(), seconds) / 1e9, 1) : "-",
          percent(share_of_limit(work, seconds, limits))};
}

std::string part_json(const Part& part, const StepProfile& profile, const MachineLimits& limits) {
  const double share = share_of_limit(part.work, part.seconds, limits);
  return "{\"name\": " + json_string(part.name) + ", \"op\": " + json_string(part.op) +
         ", \"kernel\": " + json_string(part.kernel) + ", \"steps\": " + std::to_string(part.steps) +
         ", \"seconds\": " + json_number(part.seconds) +
         ", \"share_of_time\": " + json_number(part.seconds / profile.seconds) +
         ", \"weight_bytes\": " + std::to_string(part.work.weight_bytes) +
         ", \"cache_bytes\": " + std::to_string(part.work.cache_bytes) +
         ", \"activation_bytes\": " + std::to_string(part.work.activation_bytes) +
         ", \"operations\": " + std::to_string(part.work.operations()) +
         ", \"gb_per_s\": " + json_number(rate(part.work.bytes(), part.seconds) / 1e9) +
         ", \"gop_per_s\": " + json_number(rate(part.work.operations(), part.seconds) / 1e9) +
         ", \"share_of_limit\": " + (share > 0 ? json_number(share) : std::string("null")) + "}";
}

}  // namespace

ProfileGrouping profile_grouping_named(const std::string& name) {
  if (name == "layers") return ProfileGrouping::layers;
  if (name == "kinds") return ProfileGrouping::kinds;
  if (name == "ops") return ProfileGrouping::ops;
  throw Error(ErrorCode::invalid_argument, "--profile is kinds, layers or ops, not " + json_string(name));
}

std::string profile_table(const Inspection& inspection, const StepProfile& profile,
                          const MachineLimits& limits, ProfileGrouping grouping) {
  std::vector<std::vector<std::string>> rows = {{grouping == ProfileGrouping::ops ? "op" : "step", "op",
                                                 "kernel", "steps", "time", "of all", "bytes", "GB/s",
                                                 "GOP/s", "of the limit"}};
  int steps = 0;
  for (const auto& part : parts_of(inspection, profile, grouping)) {
    rows.push_back(row(part.name, part.op, part.kernel, std::to_string(part.steps), part.seconds, part.work,
                       profile, limits));
    steps += part.steps;
  }
  const StepWork whole = whole_work(profile);
  rows.push_back(
      row("all steps", "", "", std::to_string(steps), profile.step_seconds(), whole, profile, limits));
  const auto runs = static_cast<double>(std::max<std::int64_t>(1, profile.runs));
  return profile.test + ": " + std::to_string(profile.runs) + " runs of the plan, " +
         std::to_string(profile.tokens) + " tokens; times and bytes are of one run\n" +
         format_table(rows, 3) + "the steps take " + format_seconds(profile.step_seconds() / runs) + ", " +
         percent(profile.step_seconds() / profile.seconds) + " of " + format_seconds(profile.seconds / runs) +
         " for a run with a clock around each; without clocks, " +
         "and with all that is around it, a run takes " + format_seconds(profile.plain_seconds / runs) +
         ", " + percent(share_of_limit(whole, profile.plain_seconds, limits)) + " of the limit\n";
}

std::string profile_json(const Inspection& inspection, const std::vector<StepProfile>& profiles,
                         const MachineLimits& limits, ProfileGrouping grouping) {
  std::string text = "[";
  for (const auto& profile : profiles) {
    text += (text.size() > 1 ? ",\n {" : "{");
    text += "\"test\": " + json_string(profile.test) + ", \"runs\": " + std::to_string(profile.runs) +
            ", \"tokens\": " + std::to_string(profile.tokens) +
            ", \"seconds\": " + json_number(profile.seconds) +
            ", \"step_seconds\": " + json_number(profile.step_seconds()) +
            ", \"plain_seconds\": " + json_number(profile.plain_seconds) + ", \"steps\": [";
    bool first = true;
    for (const auto& part : parts_of(inspection, profile, grouping)) {
      text += (first ? "\n  " : ",\n  ") + part_json(part, profile, limits);
      first = false;
    }
    text += "]}";
  }
  return text + "]\n";
}

}  // namespace lathe::apps
