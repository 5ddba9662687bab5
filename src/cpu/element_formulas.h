// What kernels compute of single numbers where the same function stands in several of them: in an op of its
// own, in the epilogue of a convolution and in the program of a fused node. Functions of internal linkage, so
// that ISA files may include it. NaN stays NaN.
#pragma once

namespace lathe::formulas {
namespace {

[[maybe_unused]] constexpr float relu(float x) { return x < 0.0f ? 0.0f : x; }

struct Bounds {
  float low;
  float high;
};

/// Of Clip: the greatest number as a bound is none, so that infinity stays.
[[maybe_unused]] constexpr Bounds clip_bounds(double least, double most) {
  constexpr float kGreatest = __FLT_MAX__;
  Bounds bounds{static_cast<float>(least), static_cast<float>(most)};
  if (bounds.low <= -kGreatest) bounds.low = -__builtin_inff();
  if (bounds.high >= kGreatest) bounds.high = __builtin_inff();
  return bounds;
}

[[maybe_unused]] constexpr float clip(float x, Bounds bounds) {
  const float raised = x < bounds.low ? bounds.low : x;
  return raised > bounds.high ? bounds.high : raised;
}

[[maybe_unused]] constexpr float leaky_relu(float x, double alpha) {
  return x < 0.0f ? static_cast<float>(alpha) * x : x;
}

[[maybe_unused]] constexpr float within_one(float x) {
  const float raised = x < 0.0f ? 0.0f : x;
  return raised > 1.0f ? 1.0f : raised;
}

[[maybe_unused]] constexpr float hard_sigmoid(float x, double alpha, double beta) {
  return within_one(static_cast<float>(alpha) * x + static_cast<float>(beta));
}

[[maybe_unused]] constexpr float hard_swish(float x) { return x * within_one(x * (1.0f / 6.0f) + 0.5f); }

/// Of equal numbers a.
[[maybe_unused]] constexpr float greatest(float a, float b) { return a != a || a > b ? a : b; }
[[maybe_unused]] constexpr float least(float a, float b) { return a != a || a < b ? a : b; }

}  // namespace
}  // namespace lathe::formulas
