// What programs of one network's variants have in common, so that compiling and tuning them does each thing
// once.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "compile/pack_weights.h"
#include "compile/timing_cache.h"
#include "passes/derived_constants.h"

namespace lathe {

struct ProgramSharing {
  std::shared_ptr<Backend> backend;
  DerivedConstants derived;
  PackedWeights packed;
  TimingCache timings;
};

}  // namespace lathe
