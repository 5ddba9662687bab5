// What a run throws where a kernel has found a fault in what it read.
#pragma once

#include "backend/plan.h"
#include "base/error.h"

namespace lathe {

[[noreturn]] inline void throw_fault(const PlanStep& step) {
  throw Error(ErrorCode::invalid_argument,
              std::string(step.op->name) + " " + printable(step.name) +
                  " was given a number that it cannot use: an index out of range, or a divisor of zero");
}

}  // namespace lathe
