// Picks the next token from candidates. Deterministic: the same seed, settings and logits give the same token.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace lathe {

struct SamplingParameters {
  double temperature = 0.0;          // 0: greedy
  std::int32_t top_k = 0;            // 0: all
  double top_p = 1.0;                // 0: arg max
  double min_p = 0.0;
  double repetition_penalty = 1.0;   // over the last penalty_window tokens
  double presence_penalty = 0.0;
  double frequency_penalty = 0.0;
  std::int32_t penalty_window = 64;
  std::uint64_t seed = 0;

  bool greedy() const { return temperature == 0.0 || top_p == 0.0 || top_k == 1; }
  bool has_penalties() const {
    return repetition_penalty != 1.0 || presence_penalty != 0.0 || frequency_penalty != 0.0;
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

  /// The least that picks the same token as all logits would.
  SamplingNeeds needs() const;

  /// From candidates, greatest first, with the log-sum-exp of all logits. Empty where these do not decide
  /// (the nucleus reaches past them): then sample(logits) must be asked.
  std::optional<std::int32_t> sample(std::span<const Candidate> candidates, float log_sum_exp);
  /// From all logits; `recent` are the tokens so far, newest last, for the penalties. No full sort.
  std::int32_t sample(std::span<const float> logits, std::span<const std::int32_t> recent);

 private:
  SamplingParameters parameters_;
  std::uint64_t state_;
  std::vector<Candidate> work_;
};

}  // namespace lathe
