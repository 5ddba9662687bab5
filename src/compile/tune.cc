#include "compile/tune.h"

#include <algorithm>

#include "base/error.h"
#include "compile/choose_layouts.h"
#include "compile/cost_model.h"
#include "compile/node_key.h"
#include "compile/node_trial.h"
#include "compile/race.h"

namespace lathe {
namespace {

constexpr std::size_t kFew = 3;  // that level 2 measures
// Not run at all: what the model puts at so many times the best's time, where one run takes that long.
constexpr double kHopeless = 8;
constexpr double kLong = 0.02;

/// A kind of node in one profile.
struct Kind {
  std::string key;
  std::vector<std::size_t> nodes;
  std::vector<MeasuredCandidate> result;  // best first
  bool measured = false;                  // otherwise its times are the model's, or a user's word
};

class Tuner {
 public:
  Tuner(const Graph& graph, Backend& backend, const TuningOptions& options)
      : graph_(graph), backend_(backend), options_(options), machine_(machine_key(backend.threads())) {}

  std::vector<Kind> tune_profile(const std::string& profile, const SymbolValues& values) {
    std::map<std::string, Kind> kinds;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (node.op->pure && node.op->aliases_input >= 0) continue;  // a view: nothing runs
      auto& kind = kinds[node_key(graph_, node, values)];
      kind.nodes.push_back(i);
    }
    std::vector<Kind> results;
    for (auto& [key, kind] : kinds) {
      kind.key = key;
      if (options_.progress) options_.progress({profile, key, results.size(), kinds.size()});
      decide(values, kind);
      results.push_back(std::move(kind));
    }
    return results;
  }

 private:
  const Node& node_of(const Kind& kind) const { return graph_.nodes[kind.nodes.front()]; }

  void decide(const SymbolValues& values, Kind& kind) {
    const Node& node = node_of(kind);
    const bool fine = options_.level >= 4;
    // Cached and forced entries may name any tile and split.
    const auto all = candidates_of(graph_, node, backend_, {true, true});
    if (all.empty()) return;  // the plan's builder says what is missing
    if (options_.cache != nullptr && from_cache(all, kind)) return;
    auto ranked = by_model(node, candidates_of(graph_, node, backend_, {fine, fine}), values);
    const bool measures = options_.level >= 2 && ranked.size() > 1 && !reads_sizes(node);
    if (measures && options_.fail_on_miss)
      throw Error(ErrorCode::not_found, "the timing cache has no entry for " + kind.key + " on " + machine_,
                  {{}, std::nullopt, node.name});
    kind.result = std::move(ranked);
    if (!measures) return;
    if (options_.level == 2) kind.result.resize(std::min(kFew, kind.result.size()));
    measure(values, kind);
    kind.measured = true;
    if (options_.cache == nullptr) return;
    TimingEntry entry{options_.level, false, {}};
    for (const auto& item : kind.result)
      entry.measured.push_back(timed(graph_, node, item.candidate, item.seconds));
    options_.cache->update(kind.key, machine_, std::move(entry));
  }

  /// Whether a kernel reads sizes that a run computes: made up, they would not be those of its output.
  bool reads_sizes(const Node& node) const {
    for (std::size_t i = 0; i < node.inputs.size() && i < 32; ++i)
      if ((node.op->value_inputs >> i & 1) != 0 && graph_.value(node.inputs[i]).kind != ValueKind::constant)
        return true;
    return false;
  }

  /// By the model's seconds; of equals the first stays first.
  std::vector<MeasuredCandidate> by_model(const Node& node, const std::vector<KernelCandidate>& candidates,
                                          const SymbolValues& values) const {
    std::vector<MeasuredCandidate> ranked;
    for (const auto& candidate : candidates)
      ranked.push_back({candidate, modelled_seconds(graph_, node, candidate, values, backend_.threads())});
    std::ranges::stable_sort(ranked, {}, &MeasuredCandidate::seconds);
    return ranked;
  }

  void measure(const SymbolValues& values, Kind& kind) {
    const double best = kind.result.front().seconds;
    std::erase_if(kind.result, [best](const MeasuredCandidate& item) {
      return item.seconds > kLong && item.seconds > kHopeless * best;
    });
    std::vector<KernelCandidate> candidates;
    for (const auto& item : kind.result) candidates.push_back(item.candidate);
    NodeTrial trial(graph_, kind.nodes, backend_, values, candidates, states_);
    const auto seconds = race(candidates.size(), [&](std::size_t i) { return trial.run(i, options_); },
                              {.seconds = options_.seconds_per_candidate});
    for (std::size_t i = 0; i < seconds.size(); ++i) kind.result[i].seconds = seconds[i];
    std::ranges::stable_sort(kind.result, {}, &MeasuredCandidate::seconds);
  }

  bool from_cache(const std::vector<KernelCandidate>& all, Kind& kind) const {
    const TimingEntry* entry = options_.cache->find(kind.key, machine_);
    if (entry == nullptr) return false;
    if (entry->forced) {
      take_forced(*entry, all, kind);
      return true;
    }
    if (entry->level < options_.level) return false;
    std::vector<MeasuredCandidate> found;
    for (const auto& wanted : entry->measured) {
      const auto same = [&](const KernelCandidate& candidate) {
        return timed(graph_, node_of(kind), candidate, wanted.seconds) == wanted;
      };
      const auto candidate = std::ranges::find_if(all, same);
      if (candidate == all.end()) return false;  // a kernel that this program lacks: measured anew
      found.push_back({*candidate, wanted.seconds});
    }
    kind.result = std::move(found);
    kind.measured = true;
    return true;
  }

  void take_forced(const TimingEntry& entry, const std::vector<KernelCandidate>& all, Kind& kind) const {
    const TimedCandidate& wanted = entry.measured.front();
    for (const auto& candidate : all) {
      const auto offered = timed(graph_, node_of(kind), candidate, 0);
      if (offered.kernel == wanted.kernel && offered.threads == wanted.threads &&
          (wanted.variant.empty() ? candidate.variant == 0 : offered.variant == wanted.variant) &&
          (wanted.layout.empty() || offered.layout == wanted.layout))
        kind.result.push_back({candidate, 0});
    }
    if (kind.result.empty())
      throw Error(ErrorCode::invalid_argument,
                  "the kernel " + printable(wanted.kernel) +
                      (wanted.variant.empty() ? "" : ":" + printable(wanted.variant)) +
                      ", forced by the timing cache, does not accept this node: " + kind.key,
                  {{}, std::nullopt, node_of(kind).name});
  }

  const Graph& graph_;
  Backend& backend_;
  const TuningOptions& options_;
  const std::string machine_;
  TrialStates states_;
};

}  // namespace

void tune(const Graph& graph, Backend& backend, const std::vector<ProfileRanges>& ranges,
          const TuningOptions& options, BuildOptions& build) {
  if (options.level < 0 || options.level > kMostTuningLevel)
    throw Error(ErrorCode::invalid_argument,
                "the level of tuning is 0 to 5, not " + std::to_string(options.level),
                {{}, std::nullopt, "tuning"});
  if (options.level == 0) return;
  CHECK(ranges.size() == build.profiles.size());
  Tuner tuner(graph, backend, options);
  std::vector<std::vector<Kind>> profiles;
  for (const auto& range : ranges)
    profiles.push_back(tuner.tune_profile(range.name, SymbolValues::at_optimum(build.limits, range.symbols)));

  std::map<std::size_t, NodeTimes> times;
  for (const auto& kinds : profiles)
    for (const auto& kind : kinds)
      for (const auto node : kind.nodes) {
        if (kind.result.empty()) continue;
        times[node].node = node;
        times[node].profiles.push_back(&kind.result);
      }
  std::vector<NodeTimes> list;
  for (auto& [node, item] : times) list.push_back(std::move(item));
  std::vector<double> weights;
  for (const auto& range : ranges) weights.push_back(range.weight);
  if (build.layouts.empty()) build.layouts = choose_layouts(graph, list, weights);

  for (std::size_t p = 0; p < profiles.size(); ++p)
    for (const auto& kind : profiles[p]) {
      std::vector<MeasuredKernel> measured;
      if (kind.measured)
        for (const auto& item : kind.result)
          measured.push_back({item.candidate.kernel->name,
                              variant_name(*item.candidate.kernel, item.candidate.variant),
                              item.candidate.threads, item.seconds});
      for (const auto node : kind.nodes) {
        const auto* best = best_candidate(graph, graph.nodes[node], kind.result, build.layouts);
        if (best != nullptr) build.profiles[p].nodes[node] = {best->candidate.choice(), measured};
      }
    }
}

}  // namespace lathe
