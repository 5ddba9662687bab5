// Measures what the processor and its memory can do.
#pragma once

#include "base/cpu_features.h"

namespace lathe {

enum class DotOperand { int8, bf16, f32 };

/// Bytes a second that the threads read from memory together: of several ways to read (width of loads,
/// prefetches, places at once) that take turns, the best one's median. Takes half a second. Throws
/// Error(resource_limit) without 256 MiB of memory.
double measure_read_limit(int threads, IsaLevel level = chosen_isa());

/// Operations a second, two for each multiply-add, of dot products on registers alone. A level without bf16
/// instructions computes bf16 as float32.
double measure_dot_limit(DotOperand operand, int threads, IsaLevel level = chosen_isa());

struct CpuLimits {
  double read_bytes_per_s = 0;
  double int8_operations_per_s = 0;
};

CpuLimits measure_cpu_limits(int threads, IsaLevel level = chosen_isa());

}  // namespace lathe
