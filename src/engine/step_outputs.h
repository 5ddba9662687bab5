// What a step's sampling needs from the device: which outputs the plan computes, and reading back no more
// than that. The rows of a step are ordered by what they need, most first, so that each output is read for
// its first rows alone:
//   rows    0 .. l-1   l .. l+c-1    l+c .. S-1
//   read    logits     candidates    ids
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "engine/engine.h"
#include "sample/sampler.h"

namespace lathe {

class StepOutputs {
 public:
  /// Throws Error(invalid_argument) where the plan lacks an output or its logits are not `vocabulary` wide.
  StepOutputs(const Plan& plan, std::int32_t vocabulary);

  /// The bits for ExecutionContext::run. The logits are always among them: they are on the device anyway, and
  /// read where the lesser amounts turn out not to decide.
  std::uint32_t wanted(std::int32_t logits_rows, std::int32_t candidate_rows, std::int32_t id_rows) const;

  /// Reads what wanted() was asked for. Allocates where a step reads more than any before.
  void read(ExecutionContext& context, std::int32_t logits_rows, std::int32_t candidate_rows,
            std::int32_t id_rows);
  void read_logits(ExecutionContext& context, std::int32_t rows);

  TokenId arg_max(std::int32_t row) const { return arg_max_[static_cast<std::size_t>(row)]; }
  std::span<const Candidate> candidates(std::int32_t row);  // valid until the next call
  float log_sum_exp(std::int32_t row) const { return log_sum_exp_[static_cast<std::size_t>(row)]; }
  std::span<const float> logits(std::int32_t row) const;  // [vocabulary]

  /// Bytes that one row of a kind costs.
  std::uint64_t row_bytes(SamplingNeeds needs) const;

 private:
  std::size_t vocabulary_;
  int logits_output_, arg_max_output_, top_values_output_, top_ids_output_, log_sum_exp_output_;
  std::vector<float> logits_;          // [rows, vocabulary]
  std::vector<std::int32_t> arg_max_;  // [rows]
  std::vector<float> top_values_;      // [rows, kCandidates]
  std::vector<std::int32_t> top_ids_;  // [rows, kCandidates]
  std::vector<float> log_sum_exp_;     // [rows]
  std::vector<Candidate> candidates_;  // [kCandidates]
};

}  // namespace lathe
