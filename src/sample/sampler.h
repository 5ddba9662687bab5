// Picks the next token from logits. Deterministic on every machine: the same seed, settings and logits give
// the same token (the generator and the exponential are ours).
//
// Order of operations: penalties, top-k, top-p, min-p, temperature, draw. Sorted by logit, greatest first and
// the lower id first among equals, each of top-k, top-p and min-p keeps a beginning of the tokens; the
// shortest one counts. Top-p and min-p look at probabilities before the temperature; top-p's sum to 1 over
// what top-k kept. NaN counts as minus infinity.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace lathe {

struct SamplingParameters {
  double temperature = 0.0;          // 0: greedy; otherwise 0.001 to 100
  std::int32_t top_k = 0;            // 0: all; at most 1000000
  double top_p = 1.0;                // 0 to 1; 0: arg max
  double min_p = 0.0;                // 0 to 1
  double repetition_penalty = 1.0;   // over the last penalty_window tokens; 0.01 to 100
  double presence_penalty = 0.0;     // -100 to 100
  double frequency_penalty = 0.0;    // -100 to 100
  std::int32_t penalty_window = 64;  // 0: no penalties; at most 1000000
  std::uint64_t seed = 0;

  bool greedy() const { return temperature == 0.0 || top_p == 0.0 || top_k == 1; }
  bool has_penalties() const {
    return penalty_window > 0 &&
           (repetition_penalty != 1.0 || presence_penalty != 0.0 || frequency_penalty != 0.0);
  }
};

/// Throws Error(invalid_argument) naming the field; NaN is outside every range.
void validate(const SamplingParameters& parameters);

/// What the device sends for a token to be picked, one of three amounts.
enum class SamplingNeeds : std::uint8_t {
  arg_max,     // one id
  candidates,  // the kCandidates greatest logits with their ids, and the log-sum-exp of all
  logits,      // everything
};

inline constexpr int kCandidates = 128;

struct Candidate {
  std::int32_t id;
  float logit;
};

class Sampler {
 public:
  explicit Sampler(const SamplingParameters& parameters);

  /// The least that may pick the same token as all logits would.
  SamplingNeeds needs() const;

  /// From the kCandidates greatest logits, greatest first and the lower id first among equals, with the
  /// log-sum-exp of all logits. Where there are fewer logits the rest has id -1. Empty where these do not
  /// decide: then sample(logits) must be asked, and gives the token of the same draw. What this gives,
  /// sample(logits) would have given.
  std::optional<std::int32_t> sample(std::span<const Candidate> candidates, float log_sum_exp);

  /// From all logits; `recent` are the tokens so far, newest last, for the penalties. No full sort.
  /// Throws Error(invalid_model) where no logit is greater than minus infinity.
  std::int32_t sample(std::span<const float> logits, std::span<const std::int32_t> recent);

 private:
  std::span<const float> penalized(std::span<const float> logits, std::span<const std::int32_t> recent);
  void keep(std::span<const float> logits, float greatest);
  std::int32_t draw(float greatest);

  SamplingParameters parameters_;
  double min_p_log_;  // log(min_p)
  std::uint64_t state_;
  std::vector<Candidate> kept_;  // what the draw is among, in order of id
  std::vector<double> weights_;  // of kept_
  std::vector<float> penalized_;
  std::vector<std::int32_t> window_;
};

}  // namespace lathe
