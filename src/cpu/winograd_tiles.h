// The transforms of Winograd's convolution with kernels of 3 x 3, four outputs at a time on each axis
// (F(4 x 4, 3 x 3); Lavin and Gray, 2015), over a vector type V of 16 floats: a lane is a tile. Plain data
// and functions of internal linkage, so that ISA files may include it.
//
//   outputs 4 x 4 = A' (G w G' . B' d B) A     of the 6 x 6 inputs d that they see; . is element by element
#pragma once

#include "cpu/conv_gather.h"

namespace lathe::conv {
namespace {

constexpr std::int64_t kTileOutputs = 4;  // on each axis
constexpr std::int64_t kTileInputs = 6;   // on each axis
constexpr std::int64_t kElements = kTileInputs * kTileInputs;
constexpr std::int64_t kMaxChunkTiles = 64;
// A row of inputs that tiles see; whole vectors of 16 tiles are read from it, and 4 floats behind.
constexpr std::int64_t kLineStride = (kMaxChunkTiles + kLanes) * kTileOutputs;

/// B' of six numbers in each lane.
template <class V>
[[gnu::always_inline]] inline void transform_inputs(V (&d)[kTileInputs]) {
  const V four = broadcast(V{}, 4.0f);
  const V two = broadcast(V{}, 2.0f);
  const V minus_two = broadcast(V{}, -2.0f);
  const V minus_four = broadcast(V{}, -4.0f);
  const V minus_five = broadcast(V{}, -5.0f);
  const V a = fma(minus_four, d[2], d[4]);
  const V b = fma(minus_four, d[1], d[3]);
  const V c = d[4] - d[2];
  const V e = d[3] - d[1];
  d[0] = fma(four, d[0], fma(minus_five, d[2], d[4]));
  d[5] = fma(four, d[1], fma(minus_five, d[3], d[5]));
  d[1] = a + b;
  d[2] = a - b;
  d[3] = fma(two, e, c);
  d[4] = fma(minus_two, e, c);
}

/// A' of six numbers in each lane.
template <class V>
[[gnu::always_inline]] inline void transform_outputs(const V (&m)[kTileInputs], V (&y)[kTileOutputs]) {
  const V sum = m[1] + m[2];
  const V difference = m[1] - m[2];
  const V outer_sum = m[3] + m[4];
  const V outer_difference = m[3] - m[4];
  y[0] = (m[0] + sum) + outer_sum;
  y[1] = fma(broadcast(V{}, 2.0f), outer_difference, difference);
  y[2] = fma(broadcast(V{}, 4.0f), outer_sum, sum);
  y[3] = fma(broadcast(V{}, 8.0f), outer_difference, difference) + m[5];
}

/// Elements 4 t + j of a line in lane t, for j from 0 to 5.
template <class V>
[[gnu::always_inline]] inline void load_tiles(const float* line, V (&d)[kTileInputs]) {
  const auto evens = [](const float* x) { return even_lanes(load(V{}, x), load(V{}, x + kLanes)); };
  const auto odds = [](const float* x) { return odd_lanes(load(V{}, x), load(V{}, x + kLanes)); };
  const V even_low = evens(line);
  const V even_high = evens(line + 2 * kLanes);
  const V odd_low = odds(line);
  const V odd_high = odds(line + 2 * kLanes);
  d[0] = even_lanes(even_low, even_high);
  d[1] = even_lanes(odd_low, odd_high);
  d[2] = odd_lanes(even_low, even_high);
  d[3] = odd_lanes(odd_low, odd_high);
  const float* next = line + kTileOutputs;
  d[4] = even_lanes(evens(next), evens(next + 2 * kLanes));
  d[5] = even_lanes(odds(next), odds(next + 2 * kLanes));
}

/// Lane t of y[j] to place 4 t + j, as many as there are.
template <class V>
[[gnu::always_inline]] inline void store_tiles(const V (&y)[kTileOutputs], float* target,
                                               std::int64_t count) {
  const V even_low = low_pairs(y[0], y[2]);
  const V even_high = high_pairs(y[0], y[2]);
  const V odd_low = low_pairs(y[1], y[3]);
  const V odd_high = high_pairs(y[1], y[3]);
  const V line[] = {low_pairs(even_low, odd_low), high_pairs(even_low, odd_low),
                    low_pairs(even_high, odd_high), high_pairs(even_high, odd_high)};
  for (int i = 0; i < 4; ++i, target += kLanes, count -= kLanes) {
    if (count >= kLanes)
      store(target, line[i]);
    else if (count > 0)
      store_first(target, line[i], count);
  }
}

}  // namespace
}  // namespace lathe::conv
