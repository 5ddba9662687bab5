#include "lathe/inspection.h"

#include <algorithm>
#include <thread>

#include "cpu/limits.h"

namespace lathe {

MachineLimits measure_machine_limits(int threads) {
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const CpuLimits limits = measure_cpu_limits(threads > 0 ? threads : cores);
  return {limits.read_bytes_per_s, limits.int8_operations_per_s};
}

}  // namespace lathe
