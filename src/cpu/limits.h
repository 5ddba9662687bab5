// Measures what the processor and its memory can do.
#pragma once

#include "base/cpu_features.h"

namespace lathe {

struct CpuLimits {
  double read_bytes_per_s = 0;
  double int8_operations_per_s = 0;
};

/// Takes about half a second. Throws Error(resource_limit) without 256 MiB of memory.
CpuLimits measure_cpu_limits(int threads, IsaLevel level = chosen_isa());

}  // namespace lathe
