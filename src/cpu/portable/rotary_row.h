// The rotation of one row, shared by the kernels that rotate.
#pragma once

#include <cmath>
#include <cstdint>

namespace lathe::portable {

/// Turns the pairs (2i, 2i + 1) if interleaved, else (i, i + dims/2); columns from dims on are copied.
/// `table`: dims/2 cosines, then as many sines. y may be x.
inline void rotate_row(const float* x, const float* table, std::int64_t dims, std::int64_t head_dim,
                       bool interleaved, float* y) {
  const std::int64_t pairs = dims / 2;
  const std::int64_t stride = interleaved ? 2 : 1;        // from pair to pair
  const std::int64_t distance = interleaved ? 1 : pairs;  // inside a pair
  const float* sines = table + pairs;
  for (std::int64_t i = 0; i < pairs; ++i) {
    const float a = x[i * stride];
    const float b = x[i * stride + distance];
    y[i * stride] = std::fma(a, table[i], -(b * sines[i]));
    y[i * stride + distance] = std::fma(a, sines[i], b * table[i]);
  }
  for (std::int64_t i = dims; i < head_dim; ++i) y[i] = x[i];
}

}  // namespace lathe::portable
