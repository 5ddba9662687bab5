// What the machine itself can do, to hold measured speeds against.
#pragma once

namespace lathe {

/// Operations: two for each multiply-add.
struct MachineLimits {
  double read_bytes_per_s = 0;       // from memory
  double int8_operations_per_s = 0;  // 8-bit dot products with the best instructions there are
};

/// Measures for about half a second with `threads` threads (0: one per core). Throws Error(resource_limit)
/// without the memory for it.
MachineLimits measure_machine_limits(int threads = 0);

}  // namespace lathe
