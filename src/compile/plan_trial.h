// Runs a whole plan on made-up inputs, for what only the whole shows: threads, chunk sizes, kernels beside
// their neighbours.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "compile/step_inputs.h"
#include "compile/tuning_options.h"

namespace lathe {

class PlanTrial {
 public:
  /// The plan's profiles are taken as they are now: a context keeps what it was made for. `backend` and
  /// `states` outlive this.
  PlanTrial(std::shared_ptr<const Plan> plan, Backend& backend, const SymbolValues& values,
            TrialStates& states);

  /// Seconds of one step that asks for what a greedy answer needs, or for everything where the plan has no
  /// such output.
  double run(const TuningOptions& options);

 private:
  std::unique_ptr<StepInputs> inputs_;
  std::unique_ptr<ExecutionContext> context_;
  std::vector<std::int64_t> symbols_;
  std::uint32_t outputs_ = 0;
};

}  // namespace lathe
