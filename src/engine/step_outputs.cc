#include "engine/step_outputs.h"

#include "base/error.h"

namespace lathe {
namespace {

std::uint32_t bit(int output) { return 1U << output; }

template <class Item>
void read_rows(ExecutionContext& context, int output, std::size_t count, std::vector<Item>& items) {
  if (count == 0) return;
  if (items.size() < count) items.resize(count);
  context.read_output(output, std::as_writable_bytes(std::span(items).first(count)));
}

void require_columns(const Plan& plan, int output, std::int64_t columns) {
  const auto& type =
      plan.tensors[static_cast<std::size_t>(plan.outputs[static_cast<std::size_t>(output)].tensor)].type;
  if (type.dims.empty() || type.dims.back() != Dim(columns))
    throw Error(ErrorCode::invalid_argument,
                "the plan's output " + printable(plan.outputs[static_cast<std::size_t>(output)].name) +
                    " is " + to_string(type) + ", not " + std::to_string(columns) + " wide");
}

}  // namespace

StepOutputs::StepOutputs(const Plan& plan, std::int32_t vocabulary)
    : vocabulary_(static_cast<std::size_t>(vocabulary)),
      logits_output_(plan.output("logits")),
      arg_max_output_(plan.output("arg_max")),
      top_values_output_(plan.output("top_values")),
      top_ids_output_(plan.output("top_ids")),
      log_sum_exp_output_(plan.output("log_sum_exp")),
      candidates_(kCandidates) {
  require_columns(plan, logits_output_, vocabulary);
  require_columns(plan, top_values_output_, kCandidates);
  require_columns(plan, top_ids_output_, kCandidates);
}

std::uint32_t StepOutputs::wanted(std::int32_t logits_rows, std::int32_t candidate_rows,
                                  std::int32_t id_rows) const {
  std::uint32_t mask = 0;
  if (logits_rows + candidate_rows + id_rows > 0) mask |= bit(logits_output_);
  if (candidate_rows > 0) mask |= bit(top_values_output_) | bit(top_ids_output_) | bit(log_sum_exp_output_);
  if (id_rows > 0) mask |= bit(arg_max_output_);
  return mask;
}

void StepOutputs::read(ExecutionContext& context, std::int32_t logits_rows, std::int32_t candidate_rows,
                       std::int32_t id_rows) {
  read_logits(context, logits_rows);
  if (candidate_rows > 0) {
    const auto rows = static_cast<std::size_t>(logits_rows) + static_cast<std::size_t>(candidate_rows);
    read_rows(context, top_values_output_, rows * kCandidates, top_values_);
    read_rows(context, top_ids_output_, rows * kCandidates, top_ids_);
    read_rows(context, log_sum_exp_output_, rows, log_sum_exp_);
  }
  if (id_rows > 0)
    read_rows(context, arg_max_output_,
              static_cast<std::size_t>(logits_rows) + static_cast<std::size_t>(candidate_rows) +
                  static_cast<std::size_t>(id_rows),
              arg_max_);
}

void StepOutputs::read_logits(ExecutionContext& context, std::int32_t rows) {
  read_rows(context, logits_output_, static_cast<std::size_t>(rows) * vocabulary_, logits_);
}

std::span<const Candidate> StepOutputs::candidates(std::int32_t row) {
  const auto first = static_cast<std::size_t>(row) * kCandidates;
  for (std::size_t i = 0; i < kCandidates; ++i)
    candidates_[i] = {top_ids_[first + i], top_values_[first + i]};
  return candidates_;
}

std::span<const float> StepOutputs::logits(std::int32_t row) const {
  return std::span(logits_).subspan(static_cast<std::size_t>(row) * vocabulary_, vocabulary_);
}

std::uint64_t StepOutputs::row_bytes(SamplingNeeds needs) const {
  if (needs == SamplingNeeds::logits) return vocabulary_ * sizeof(float);
  if (needs == SamplingNeeds::candidates) return kCandidates * sizeof(Candidate) + sizeof(float);
  return sizeof(TokenId);
}

}  // namespace lathe
