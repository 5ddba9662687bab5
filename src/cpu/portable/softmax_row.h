// Softmax and LogSoftmax of a row: one definition for their kernels and for those that go on with the row.
//   Softmax     exp(x - max) / sum        LogSoftmax  (x - max) - log(sum)
// The exponentials are summed in 16 lanes, elements i, i + 16, ..., then in a tree.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "cpu/portable/exp_f32.h"

namespace lathe::portable {

/// A row of `count` elements: those of x are `step` apart, those of y `y_step`. y may be x where steps are
/// equal.
struct SoftmaxRow {
  const float* x;
  std::int64_t step;
  float* y;
  std::int64_t y_step;
  std::int64_t count;
};

inline float greatest_of(const SoftmaxRow& row) {
  float greatest = -std::numeric_limits<float>::infinity();
  for (std::int64_t i = 0; i < row.count; ++i)
    greatest = row.x[i * row.step] > greatest ? row.x[i * row.step] : greatest;
  return greatest;
}

inline float softmax_tree_sum(float* lanes) {
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

inline void softmax(const SoftmaxRow& row) {
  const float greatest = greatest_of(row);
  float lanes[16] = {};
  for (std::int64_t i = 0; i < row.count; ++i) {
    const float e = exp_f32(row.x[i * row.step] - greatest);
    row.y[i * row.y_step] = e;
    lanes[i % 16] += e;
  }
  const float sum = softmax_tree_sum(lanes);
  for (std::int64_t i = 0; i < row.count; ++i) row.y[i * row.y_step] /= sum;
}

inline void log_softmax(const SoftmaxRow& row) {
  const float greatest = greatest_of(row);
  float lanes[16] = {};
  for (std::int64_t i = 0; i < row.count; ++i) lanes[i % 16] += exp_f32(row.x[i * row.step] - greatest);
  const auto log_sum = static_cast<float>(std::log(static_cast<double>(softmax_tree_sum(lanes))));
  for (std::int64_t i = 0; i < row.count; ++i)
    row.y[i * row.y_step] = (row.x[i * row.step] - greatest) - log_sum;
}

}  // namespace lathe::portable
