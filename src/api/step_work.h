// Bytes and operations of one step of a plan, counted on its tensors.
#pragma once

#include <span>

#include "backend/plan.h"
#include "engine/engine.h"
#include "lathe/inspection.h"

namespace lathe {

/// Of one run with these values of the plan's symbols, on these sequences.
StepWork step_work(const Plan& plan, const PlanStep& step, std::span<const std::int64_t> symbols,
                   std::span<const SequencePart> parts);

}  // namespace lathe
