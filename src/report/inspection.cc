// Sums and texts of the public structs.
#include "lathe/inspection.h"

#include <algorithm>
#include <numeric>

namespace lathe {

std::string OperandInspection::text() const {
  std::string text = dtype + "[";
  for (std::size_t i = 0; i < dims.size(); ++i) text += (i == 0 ? "" : ", ") + dims[i];
  return text + "]";
}

StepWork& StepWork::operator+=(const StepWork& other) {
  weight_bytes += other.weight_bytes;
  cache_bytes += other.cache_bytes;
  activation_bytes += other.activation_bytes;
  int8_operations += other.int8_operations;
  float_operations += other.float_operations;
  return *this;
}

double share_of_limit(const StepWork& work, double seconds, const MachineLimits& limits) {
  if (seconds <= 0 || limits.read_bytes_per_s <= 0 || limits.int8_operations_per_s <= 0) return 0;
  const auto memory = static_cast<double>(work.weight_bytes + work.cache_bytes) / limits.read_bytes_per_s;
  const auto operations = static_cast<double>(work.int8_operations) / limits.int8_operations_per_s;
  return std::max(memory, operations) / seconds;
}

double StepProfile::step_seconds() const { return std::accumulate(times.begin(), times.end(), 0.0); }

}  // namespace lathe
