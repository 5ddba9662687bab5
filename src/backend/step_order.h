// Which steps of a profile must be complete before which, from the bytes that they read and write in the
// arena and in what the caller binds. Weights never change and order nothing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/plan.h"

namespace lathe {

/// Bytes of a tensor where the profile's symbols are at their maxima.
std::uint64_t bytes_at_maximum(const Plan& plan, const PlanProfile& profile, const ValueType& type);

class StepOrder {
 public:
  /// The profile's ranges and offsets are set. Near-linear in the number of operands.
  StepOrder(const Plan& plan, const PlanProfile& profile);

  /// The earlier steps that `step` directly waits for, ascending: who last wrote what it reads, and who last
  /// wrote and has since read what it writes. Whatever else it must not overtake, these have waited for.
  std::span<const std::int32_t> before(std::size_t step) const {
    return std::span(steps_).subspan(first_[step], first_[step + 1] - first_[step]);
  }

 private:
  std::vector<std::size_t> first_{0};  // per step: where its own begin in steps_
  std::vector<std::int32_t> steps_;
};

}  // namespace lathe
