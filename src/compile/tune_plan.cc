#include "compile/tune_plan.h"

#include <algorithm>
#include <functional>
#include <map>

#include "backend/cache_layout.h"
#include "base/error.h"
#include "base/hash.h"
#include "compile/branches.h"
#include "compile/candidates.h"
#include "compile/node_key.h"
#include "compile/plan_trial.h"
#include "compile/race.h"

namespace lathe {
namespace {

constexpr double kMargin = 0.02;          // what another setting must gain
constexpr std::size_t kHeaviest = 6;      // kinds of steps that level 5 looks at, in each profile
constexpr std::size_t kAlternatives = 2;  // that it tries for each
constexpr double kTrialFactor = 5;        // a whole plan gets the time of so many candidates

std::vector<ThreadGroup> equal_groups(std::size_t branches, int threads) {
  const auto each = std::max(1, threads / static_cast<int>(branches));
  std::vector<ThreadGroup> groups;
  for (std::size_t i = 0; i < branches; ++i)
    groups.push_back({static_cast<std::int32_t>(i) * each % threads, each});
  return groups;
}

class PlanTuner {
 public:
  PlanTuner(const Graph& graph, Backend& backend, const TuningOptions& options, std::shared_ptr<Plan> plan)
      : graph_(graph),
        backend_(backend),
        options_(options),
        machine_(machine_key(backend.threads())),
        plan_(std::move(plan)) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
      if (!(graph.nodes[i].op->pure && graph.nodes[i].op->aliases_input >= 0)) nodes_.push_back(i);
    CHECK(nodes_.size() == plan_->steps.size());
  }

  void exchange_kernels(std::size_t profile, const SymbolValues& values) {
    for (const auto& steps : heaviest(profile, values)) {
      const auto options = alternatives(profile, steps.front());
      if (options.size() < 2) continue;
      const auto best =
          decide(name_of(profile) + ", " + node_key(graph_, graph_.nodes[nodes_[steps.front()]], values),
                 options, [&](std::size_t i) {
                   take(profile, steps, options[i]);
                   return trial(values);
                 });
      take(profile, steps, options[best]);
    }
  }

  /// Branches beside each other, on equal groups of threads, or one after the other.
  void choose_branches(std::size_t profile, const SymbolValues& values, const PlacementOptions& placement) {
    const auto sections = find_branches(*plan_);
    if (sections.empty() || backend_.threads() < 2) return;
    const PlanProfile apart = plan_->profiles[profile];
    PlanProfile beside = apart;
    std::vector<BranchAssignment> assignments;
    for (const auto& section : sections)
      assignments.push_back({&section, equal_groups(section.branches.size(), backend_.threads())});
    assign_branches(*plan_, assignments, placement, beside);
    auto& chosen = plan_->profiles[profile];
    const auto best =
        decide(name_of(profile) + ", branches",
               {{"branches", "apart", 0, "", 0}, {"branches", "beside", 0, "", 0}}, [&](std::size_t i) {
                 chosen = i == 0 ? apart : beside;
                 return trial(values);
               });
    chosen = best == 0 ? apart : beside;
  }

  void choose_threads(std::size_t profile, const SymbolValues& values) {
    std::vector<TimedCandidate> options = {{"threads", "", 0, "", 0}};  // all
    for (int threads = 1; threads < backend_.threads(); threads *= 2)
      options.push_back({"threads", "", threads, "", 0});
    if (options.size() < 2) return;
    auto& chosen = plan_->profiles[profile].threads;
    const auto best = decide(name_of(profile) + ", threads", options, [&](std::size_t i) {
      chosen = options[i].threads;
      return trial(values);
    });
    chosen = options[best].threads;
  }

  /// Tokens of a chunk with which a prompt passes fastest, per token; the greatest that the plan allows stays
  /// where no smaller one gains.
  void choose_step_tokens(const SymbolValues& values) {
    constexpr std::int64_t kLeast = 64;
    const auto symbol = std::ranges::find(plan_->symbols, "T", &SymbolLimit::name);
    if (symbol == plan_->symbols.end()) return;
    const auto place = static_cast<std::size_t>(symbol - plan_->symbols.begin());
    if (plan_->profiles[0].symbols[place].minimum > 0) return;  // a network's, whose T is no tokens
    std::vector<TimedCandidate> options;
    const std::int64_t most = std::min(symbol->maximum, values.named("B", symbol->maximum) * kPageTokens);
    for (std::int64_t tokens = most; tokens >= kLeast; tokens = (tokens + 1) / 2)
      options.push_back({"step_tokens", std::to_string(tokens), 0, "", 0});
    if (options.size() < 2) return;
    const auto tokens_of = [&](std::size_t i) { return std::stoll(options[i].variant); };
    const auto best = decide("step_tokens", options, [&](std::size_t i) {
      SymbolValues chunk = values;
      chunk.set("T", tokens_of(i));
      auto whole = trial(chunk);
      return [whole, tokens = static_cast<double>(tokens_of(i))] { return whole() / tokens; };
    });
    plan_->step_tokens = static_cast<std::int32_t>(tokens_of(best));
  }

 private:
  using Trial = std::function<double()>;

  Trial trial(const SymbolValues& values) {
    auto run = std::make_shared<PlanTrial>(plan_, backend_, values, states_);
    return [this, run] { return run->run(options_); };
  }

  std::string name_of(std::size_t profile) const {
    std::string name = plan_->profiles[profile].name;
    for (std::size_t i = 0; i < plan_->symbols.size(); ++i)
      name +=
          " " + plan_->symbols[i].name + "=" + std::to_string(plan_->profiles[profile].symbols[i].optimum);
    return name;
  }

  /// What the plan consists of, as far as times go: its steps and how each runs.
  std::string plan_text() const {
    std::string text;
    for (const auto& profile : plan_->profiles)
      for (std::size_t i = 0; i < plan_->steps.size(); ++i)
        text += node_key(graph_, graph_.nodes[nodes_[i]], SymbolValues()) + profile.choices[i].kernel->name +
                " " + std::to_string(profile.choices[i].variant) + " " +
                std::to_string(profile.choices[i].threads) + "\n";
    return text;
  }

  /// The best of the options; the first where none is better by the margin. `prepare` sets one up and returns
  /// what runs it.
  std::size_t decide(const std::string& what, std::vector<TimedCandidate> options,
                     const std::function<Trial(std::size_t)>& prepare) {
    const std::string key = "Plan(" + to_string(hash128(plan_text())) + ") " + what;
    const bool known = options_.cache != nullptr && times_from_cache(key, options);
    if (!known && options_.fail_on_miss)
      throw Error(ErrorCode::not_found, "the timing cache has no entry for " + key + " on " + machine_);
    if (!known) {
      if (options_.progress) options_.progress({"", key, 0, 0});
      std::vector<Trial> trials;
      for (std::size_t i = 0; i < options.size(); ++i) trials.push_back(prepare(i));
      const auto seconds = race(options.size(), [&](std::size_t i) { return trials[i](); },
                                {.seconds = options_.seconds_per_candidate * kTrialFactor});
      for (std::size_t i = 0; i < options.size(); ++i) options[i].seconds = seconds[i];
      if (options_.cache != nullptr) remember(key, options);
    }
    const auto best = std::ranges::min_element(options, {}, &TimedCandidate::seconds);
    return best->seconds < options.front().seconds * (1 - kMargin)
               ? static_cast<std::size_t>(best - options.begin())
               : 0;
  }

  bool times_from_cache(const std::string& key, std::vector<TimedCandidate>& options) const {
    const TimingEntry* entry = options_.cache->find(key, machine_);
    if (entry == nullptr) return false;
    for (auto& option : options) {
      const auto same = [&](TimedCandidate timed) {
        timed.seconds = option.seconds;
        return timed == option;
      };
      const auto found = std::ranges::find_if(entry->measured, same);
      if (found == entry->measured.end()) return false;
      option.seconds = found->seconds;
    }
    return true;
  }

  void remember(const std::string& key, std::vector<TimedCandidate> options) const {
    std::ranges::stable_sort(options, {}, &TimedCandidate::seconds);
    options_.cache->update(key, machine_, {options_.level, false, std::move(options)});
  }

  /// Steps of one kind, the kinds that take the most time first.
  std::vector<std::vector<std::size_t>> heaviest(std::size_t profile, const SymbolValues& values) const {
    std::map<std::string, std::vector<std::size_t>> kinds;
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      kinds[node_key(graph_, graph_.nodes[nodes_[i]], values)].push_back(i);
    std::vector<std::vector<std::size_t>> list;
    for (auto& [key, steps] : kinds)
      if (plan_->profiles[profile].measured[steps.front()].size() > 1) list.push_back(std::move(steps));
    const auto seconds = [&](const std::vector<std::size_t>& steps) {
      return plan_->profiles[profile].measured[steps.front()].front().seconds *
             static_cast<double>(steps.size());
    };
    std::ranges::stable_sort(list, std::greater<>(), seconds);
    list.resize(std::min(list.size(), kHeaviest));
    return list;
  }

  /// What the step has now and the next best that fit where its operands lie: the same layouts, and nothing
  /// else about writing over an input.
  std::vector<TimedCandidate> alternatives(std::size_t profile, std::size_t step) const {
    const StepChoice& now = plan_->profiles[profile].choices[step];
    std::vector<TimedCandidate> options = {
        {now.kernel->name, variant_name(*now.kernel, now.variant), now.threads, "", 0}};
    for (const auto& item : plan_->profiles[profile].measured[step]) {
      const Kernel* kernel = kernel_named(item.kernel);
      const TimedCandidate option{item.kernel, item.variant, item.threads, "", 0};
      if (options.size() > kAlternatives || option == options.front() || kernel == nullptr) continue;
      if (kernel->in_place_input == now.kernel->in_place_input && accepts(*kernel, step))
        options.push_back(option);
    }
    return options;
  }

  bool accepts(const Kernel& kernel, std::size_t step) const {
    std::vector<ValueType> inputs;
    std::vector<ValueType> outputs;
    for (const auto i : plan_->steps[step].inputs)
      inputs.push_back(plan_->tensors[static_cast<std::size_t>(i)].type);
    for (const auto i : plan_->steps[step].outputs)
      outputs.push_back(plan_->tensors[static_cast<std::size_t>(i)].type);
    return kernel.accepts == nullptr || kernel.accepts({inputs, outputs, &graph_.nodes[nodes_[step]]});
  }

  const Kernel* kernel_named(const std::string& name) const {
    for (const auto& kernel : backend_.kernels())
      if (kernel.name == name) return &kernel;
    return nullptr;
  }

  void take(std::size_t profile, const std::vector<std::size_t>& steps, const TimedCandidate& option) {
    const Kernel* kernel = kernel_named(option.kernel);
    const auto variant = std::ranges::find(kernel->variants, option.variant);
    for (const auto step : steps)
      plan_->profiles[profile].choices[step] = {
          kernel,
          variant == kernel->variants.end() ? 0
                                            : static_cast<std::int32_t>(variant - kernel->variants.begin()),
          0, option.threads};
  }

  const Graph& graph_;
  Backend& backend_;
  const TuningOptions& options_;
  const std::string machine_;
  std::shared_ptr<Plan> plan_;
  std::vector<std::size_t> nodes_;  // of each step
  TrialStates states_;
};

}  // namespace

void tune_plan(const Graph& graph, Backend& backend, const std::vector<ProfileRanges>& ranges,
               const TuningOptions& options, const PlacementOptions& placement,
               const std::shared_ptr<Plan>& plan) {
  if (options.level < 3) return;
  PlanTuner tuner(graph, backend, options, plan);
  for (std::size_t p = 0; p < ranges.size(); ++p) {
    const auto values = SymbolValues::at_optimum(plan->symbols, ranges[p].symbols);
    if (options.level >= 5) tuner.exchange_kernels(p, values);
    if (options.level >= 4) tuner.choose_branches(p, values, placement);
    tuner.choose_threads(p, values);
  }
  if (!ranges.empty())
    tuner.choose_step_tokens(SymbolValues::at_optimum(plan->symbols, ranges.back().symbols));
}

}  // namespace lathe
