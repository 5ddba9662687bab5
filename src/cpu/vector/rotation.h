// The Hadamard transform of rows whose codes the cache holds.
#pragma once

#include "backend/cache_layout.h"
#include "cpu/vector/call.h"

namespace lathe::vector {

/// Of butterflies inside a vector: the lane with the difference is negated.
static constexpr float kButterflySigns[4][kLanes] = {
    {1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1},
    {1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1},
    {1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1},
    {1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1},
};

/// y = x times the orthonormal matrix, in blocks of rotated_columns(); y may be x.
template <class V>
void rotate_columns(const float* x, float* y, std::int64_t head_dim) {
  const std::int64_t size = rotated_columns(head_dim);
  const auto signs = [](int row) { return load(V{}, kButterflySigns[row]); };
  for (std::int64_t i = 0; i < head_dim; i += kLanes) {
    V part = load(V{}, x + i);
    part = fma(part, signs(0), swap_lanes<1>(part));
    part = fma(part, signs(1), swap_lanes<2>(part));
    part = fma(part, signs(2), swap_lanes<4>(part));
    store(y + i, fma(part, signs(3), swap_lanes<8>(part)));
  }
  for (std::int64_t stride = kLanes; stride < size; stride *= 2)
    for (std::int64_t first = 0; first < head_dim; first += 2 * stride)
      for (std::int64_t i = first; i < first + stride; i += kLanes) {
        const V a = load(V{}, y + i);
        const V b = load(V{}, y + i + stride);
        store(y + i, a + b);
        store(y + i + stride, a - b);
      }
  const V factor = broadcast(V{}, 1.0f / square_root(V{}, static_cast<float>(size)));
  for (std::int64_t i = 0; i < head_dim; i += kLanes) store(y + i, factor * load(V{}, y + i));
}

}  // namespace lathe::vector
