#include "sample/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "sample/exponential.h"
#include "sample/selection.h"

namespace lathe {
namespace {

// splitmix64 (Steele, Lea, Flood 2014): the state is a counter, the mix makes it random.
constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15;

std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

[[noreturn]] void no_token() {
  throw Error(ErrorCode::invalid_model,
              "the model gave no token a probability: all logits are NaN or -infinity");
}

/// The greatest logit with the lowest id; throws where there is none above minus infinity.
Candidate arg_max(std::span<const float> logits) {
  Candidate best{-1, -std::numeric_limits<float>::infinity()};
  for (std::size_t i = 0; i < logits.size(); ++i)
    if (logits[i] > best.logit) best = {static_cast<std::int32_t>(i), logits[i]};
  if (best.id < 0) no_token();
  return best;
}

/// How far the device's log-sum-exp, a float made with float exponentials, may be from the true one.
double log_sum_exp_error(float log_sum_exp) { return 1e-5 + 0x1p-22 * std::fabs(log_sum_exp); }

}  // namespace

Sampler::Sampler(const SamplingParameters& parameters)
    : parameters_(parameters), min_p_log_(std::log(parameters.min_p)), state_(mix(parameters.seed)) {
  validate(parameters);
}

SamplingNeeds Sampler::needs() const {
  const auto& p = parameters_;
  if (p.has_penalties()) return SamplingNeeds::logits;
  if (p.greedy()) return SamplingNeeds::arg_max;
  if (p.top_k > 0 && p.top_k <= kCandidates) return SamplingNeeds::candidates;
  const bool nucleus =
      p.top_p < 1.0 && p.top_k == 0;  // of more tokens than the candidates the sum is not known
  return nucleus || p.min_p > 0.0 ? SamplingNeeds::candidates : SamplingNeeds::logits;
}

std::optional<std::int32_t> Sampler::sample(std::span<const Candidate> candidates, float log_sum_exp) {
  const auto& p = parameters_;
  if (p.has_penalties() || candidates.empty()) return std::nullopt;
  const auto padding = std::find_if(candidates.begin(), candidates.end(), [](auto& c) { return c.id < 0; });
  const bool all = padding != candidates.end();  // there are no other logits
  auto set = candidates.first(static_cast<std::size_t>(padding - candidates.begin()));
  if (set.empty() || std::any_of(set.begin(), set.end(), [](auto& c) { return std::isnan(c.logit); }))
    return std::nullopt;
  const float greatest = set.front().logit;
  if (greatest == -std::numeric_limits<float>::infinity()) no_token();
  if (p.greedy()) return set.front().id;

  // Lengths of beginnings of the sorted logits; one more than the set has stands for "reaches past it".
  bool known = all;  // `set` is all that top-k keeps
  if (p.top_k > 0 && static_cast<std::size_t>(p.top_k) <= set.size()) {
    set = set.first(static_cast<std::size_t>(p.top_k));
    known = true;
  }
  const std::size_t past = set.size() + 1;
  std::size_t shortest = known ? set.size() : past;
  std::size_t longest = shortest;
  if (p.top_p < 1.0 && known) {
    double total = 0.0;
    for (const auto& candidate : set) total += relative_weight(candidate.logit, greatest);
    shortest = longest = std::min(set.size(), nucleus_length(set, greatest, p.top_p * total));
  } else if (p.top_p < 1.0) {
    if (p.top_k > 0) {
      shortest = 1;
    } else {
      const double total = static_cast<double>(log_sum_exp) - static_cast<double>(greatest);
      const double error = log_sum_exp_error(log_sum_exp);
      if (!std::isfinite(total) || total + error > 700.0) return std::nullopt;
      // The total is at least 1; its exponential is the inverse of that of its negative.
      shortest = nucleus_length(set, greatest, p.top_p / exponential(std::min(error - total, 0.0)));
      longest = nucleus_length(set, greatest, p.top_p / exponential(std::min(-total - error, 0.0)));
    }
  }
  if (p.min_p > 0.0) {
    const auto end = std::partition_point(set.begin(), set.end(), [&](auto& c) {
      return c.logit == greatest ||
             static_cast<double>(c.logit) - static_cast<double>(greatest) >= min_p_log_;
    });
    const auto length = static_cast<std::size_t>(end - set.begin());
    if (length < set.size() || known) {
      shortest = std::min(shortest, length);
      longest = std::min(longest, length);
    }
  }
  if (shortest != longest || longest == past) return std::nullopt;

  kept_.reserve(candidates.size());
  weights_.reserve(candidates.size());
  kept_.assign(set.begin(), set.begin() + static_cast<std::ptrdiff_t>(longest));
  std::sort(kept_.begin(), kept_.end(), [](auto& a, auto& b) { return a.id < b.id; });
  return draw(greatest);
}

std::int32_t Sampler::sample(std::span<const float> logits, std::span<const std::int32_t> recent) {
  if (parameters_.has_penalties()) logits = penalized(logits, recent);
  const Candidate best = arg_max(logits);
  if (parameters_.greedy()) return best.id;
  // Once, whatever later tokens will keep.
  kept_.reserve(logits.size());
  weights_.reserve(logits.size());
  keep(logits, best.logit);
  return draw(best.logit);
}

std::span<const float> Sampler::penalized(std::span<const float> logits,
                                          std::span<const std::int32_t> recent) {
  const auto& p = parameters_;
  penalized_.assign(logits.begin(), logits.end());
  recent = recent.last(std::min(recent.size(), static_cast<std::size_t>(p.penalty_window)));
  window_.assign(recent.begin(), recent.end());
  std::sort(window_.begin(), window_.end());
  for (auto first = window_.begin(); first != window_.end();) {
    const auto last = std::upper_bound(first, window_.end(), *first);
    const auto id = static_cast<std::size_t>(*first);
    const auto count = static_cast<double>(last - first);
    first = last;
    if (id >= penalized_.size()) continue;
    double logit = static_cast<double>(penalized_[id]);
    logit = logit > 0.0 ? logit / p.repetition_penalty : logit * p.repetition_penalty;
    logit -= count * p.frequency_penalty + p.presence_penalty;
    penalized_[id] = static_cast<float>(logit);
  }
  return penalized_;
}

/// Fills kept_ with the tokens that top-k, top-p and min-p leave, in order of id.
void Sampler::keep(std::span<const float> logits, float greatest) {
  const auto& p = parameters_;
  Candidate cut = kNoCut;
  const bool few = p.top_k > 0 && static_cast<std::size_t>(p.top_k) < logits.size();
  if (few) {
    select_first(logits, static_cast<std::size_t>(p.top_k), kept_);
    if (!kept_.empty()) cut = *std::max_element(kept_.begin(), kept_.end(), before);
  }
  if (p.top_p < 1.0) {
    if (!few && logits.size() <= static_cast<std::size_t>(kCandidates))
      select_first(logits, logits.size(), kept_);
    const bool small = few || logits.size() <= static_cast<std::size_t>(kCandidates);
    double total = 0.0;
    if (small) {
      // In the order in which sample(candidates) adds.
      if (kept_.size() <= static_cast<std::size_t>(kCandidates))
        std::sort(kept_.begin(), kept_.end(), before);
      for (const auto& candidate : kept_) total += relative_weight(candidate.logit, greatest);
    } else {
      for (const float logit : logits) total += relative_weight(logit, greatest);
      // Tokens this light weigh less than 1 - top_p together, so the nucleus ends before them; half for
      // rounding.
      const double lightest = 0.5 * (1.0 - p.top_p) * total / static_cast<double>(logits.size());
      const auto lowest = static_cast<float>(std::log(lightest) + static_cast<double>(greatest));
      kept_.clear();
      for (std::size_t i = 0; i < logits.size(); ++i)
        if (logits[i] >= lowest) kept_.push_back({static_cast<std::int32_t>(i), logits[i]});
    }
    const auto nucleus = nucleus_cut(kept_, greatest, p.top_p * total);
    if (before(nucleus, cut)) cut = nucleus;
  }
  kept_.clear();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const Candidate candidate{static_cast<std::int32_t>(i), logits[i]};
    if (std::isnan(candidate.logit) || before(cut, candidate)) continue;
    const bool probable = p.min_p == 0.0 || candidate.logit == greatest ||
                          static_cast<double>(candidate.logit) - static_cast<double>(greatest) >= min_p_log_;
    if (probable) kept_.push_back(candidate);
  }
}

/// One of kept_, by the weights at the temperature. The only place where the generator moves.
std::int32_t Sampler::draw(float greatest) {
  weights_.clear();
  double total = 0.0;
  for (const auto& candidate : kept_) {
    weights_.push_back(relative_weight(candidate.logit, greatest, parameters_.temperature));
    total += weights_.back();
  }
  state_ += kStep;
  const double target = static_cast<double>(mix(state_) >> 11) * 0x1p-53 * total;
  double sum = 0.0;
  std::size_t last = 0;  // of the tokens with a weight: rounding must not lead to one without
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    if (weights_[i] == 0.0) continue;
    sum += weights_[i];
    last = i;
    if (sum > target) break;
  }
  return kept_[last].id;
}

}  // namespace lathe
