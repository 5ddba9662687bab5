// Sums over a plane of an image in double, in 8 lanes, element i in lane i % 8, joined in a tree. Functions
// of internal linkage, so that ISA files may include it.
#pragma once

#include <cstdint>

namespace lathe {
namespace {

/// The sum of value(0), ..., value(count - 1).
template <class Value>
double lane_sum(std::int64_t count, Value value) {
  constexpr std::int64_t kLanes = 8;
  double lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += value(i + lane);
  for (; i < count; ++i) lanes[i % kLanes] += value(i);
  for (std::int64_t half = kLanes / 2; half > 0; half /= 2)
    for (std::int64_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  return lanes[0];
}

/// GlobalAveragePool of a plane.
[[maybe_unused]] float plane_mean(const float* x, std::int64_t count) {
  const double sum = lane_sum(count, [x](std::int64_t i) { return static_cast<double>(x[i]); });
  return static_cast<float>(sum / static_cast<double>(count));
}

}  // namespace
}  // namespace lathe
