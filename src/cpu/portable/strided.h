// Walks a row-major output beside inputs that lie in other orders: broadcast, permuted or reduced. Runs of
// the last dimension go to the caller's inner loop.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {

/// Elements from one index of each axis to the next.
using Strides = std::array<std::int64_t, kMaxRank>;

inline Strides dense_strides(const TensorArg& tensor) {
  Strides strides{};
  std::int64_t elements = 1;
  for (int axis = tensor.rank - 1; axis >= 0; --axis) {
    strides[static_cast<std::size_t>(axis)] = elements;
    elements *= tensor.dims[axis];
  }
  return strides;
}

/// Of `tensor` along the axes of `output`, to which it broadcasts.
inline Strides broadcast_strides(const TensorArg& tensor, const TensorArg& output) {
  const Strides own = dense_strides(tensor);
  Strides strides{};
  for (int axis = 0; axis < tensor.rank; ++axis)
    if (tensor.dims[axis] != 1)
      strides[static_cast<std::size_t>(output.rank - tensor.rank + axis)] =
          own[static_cast<std::size_t>(axis)];
  return strides;
}

/// Calls body(i, length, offsets, steps) for each run [i, i + length) of the share's elements along the
/// output's last axis: input n has them at offsets[n], steps[n] apart.
template <std::size_t inputs, class Body>
void for_each_run(const TensorArg& output, const std::array<Strides, inputs>& strides, Share share,
                  Body body) {
  const int axes = output.rank - 1;  // outside a run
  const std::int64_t columns = column_count(output);
  std::array<std::int64_t, inputs> steps{};
  if (axes >= 0)
    for (std::size_t n = 0; n < inputs; ++n) steps[n] = strides[n][static_cast<std::size_t>(axes)];
  for (std::int64_t i = share.begin; i < share.end;) {
    const std::int64_t column = i % columns;
    const std::int64_t length = std::min(columns - column, share.end - i);
    std::array<std::int64_t, inputs> offsets{};
    for (std::size_t n = 0; n < inputs; ++n) offsets[n] = column * steps[n];
    std::int64_t rest = i / columns;
    for (int axis = axes - 1; axis >= 0; --axis) {
      const std::int64_t index = rest % output.dims[axis];
      rest /= output.dims[axis];
      for (std::size_t n = 0; n < inputs; ++n)
        offsets[n] += index * strides[n][static_cast<std::size_t>(axis)];
    }
    body(i, length, offsets, steps);
    i += length;
  }
}

}  // namespace lathe::portable
