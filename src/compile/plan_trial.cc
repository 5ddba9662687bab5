#include "compile/plan_trial.h"

#include <algorithm>

namespace lathe {
namespace {

std::uint32_t wanted_outputs(const Plan& plan) {
  const auto greedy = std::ranges::find(plan.outputs, "arg_max", &PlanOutput::name);
  if (greedy != plan.outputs.end()) return 1u << (greedy - plan.outputs.begin());
  return (1u << plan.outputs.size()) - 1;
}

}  // namespace

PlanTrial::PlanTrial(std::shared_ptr<const Plan> plan, Backend& backend, const SymbolValues& values,
                     TrialStates& states)
    : inputs_(std::make_unique<StepInputs>(*plan, backend, values, states)),
      symbols_(values.in_order(plan->symbols)),
      outputs_(wanted_outputs(*plan)) {
  context_ = backend.create_context(std::move(plan));
  inputs_->bind(*context_);
  context_->run(symbols_, outputs_);  // from here on the context keeps what it found in the plan
}

double PlanTrial::run(const TuningOptions& options) {
  return time_of(options, [this] { context_->run(symbols_, outputs_); });
}

}  // namespace lathe
