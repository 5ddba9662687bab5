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

/// Of a line in four parts, which give four lanes each: elements 4 t + j in lane t, for j from 0 to 5. Each
/// part is read 4 floats further than its lanes' own.
template <class V>
[[gnu::always_inline]] inline void load_tiles(const float* const (&parts)[4], V (&d)[kTileInputs]) {
  const auto evens = [](const float* x, const float* y) { return even_lanes(load(V{}, x), load(V{}, y)); };
  const auto odds = [](const float* x, const float* y) { return odd_lanes(load(V{}, x), load(V{}, y)); };
  const V even_low = evens(parts[0], parts[1]);
  const V even_high = evens(parts[2], parts[3]);
  const V odd_low = odds(parts[0], parts[1]);
  const V odd_high = odds(parts[2], parts[3]);
  d[0] = even_lanes(even_low, even_high);
  d[1] = even_lanes(odd_low, odd_high);
  d[2] = odd_lanes(even_low, even_high);
  d[3] = odd_lanes(odd_low, odd_high);
  constexpr std::int64_t kNext = kTileOutputs;
  d[4] = even_lanes(evens(parts[0] + kNext, parts[1] + kNext), evens(parts[2] + kNext, parts[3] + kNext));
  d[5] = even_lanes(odds(parts[0] + kNext, parts[1] + kNext), odds(parts[2] + kNext, parts[3] + kNext));
}

/// Lane t of y[j] to place 4 t + j of a line in four parts.
template <class V>
[[gnu::always_inline]] inline void join_tiles(const V (&y)[kTileOutputs], V (&parts)[4]) {
  const V even_low = low_pairs(y[0], y[2]);
  const V even_high = high_pairs(y[0], y[2]);
  const V odd_low = low_pairs(y[1], y[3]);
  const V odd_high = high_pairs(y[1], y[3]);
  parts[0] = low_pairs(even_low, odd_low);
  parts[1] = high_pairs(even_low, odd_low);
  parts[2] = low_pairs(even_high, odd_high);
  parts[3] = high_pairs(even_high, odd_high);
}

}  // namespace
}  // namespace lathe::conv
