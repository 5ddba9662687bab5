// The meeting of a step's threads at a barrier, as contexts on the host hand it to kernels.
#pragma once

#include "backend/kernel_call.h"
#include "base/barrier.h"

namespace lathe {

struct BarrierMeeting : StepMeeting {
  Barrier* barrier;
  int threads;
  bool spins;
};

inline void meet_at_barrier(const StepMeeting& meeting) {
  const auto& own = static_cast<const BarrierMeeting&>(meeting);
  own.barrier->wait(own.threads, own.spins);
}

}  // namespace lathe
