// Rows of weights in lanes: what products take that multiply many rows with few pixels. Over a vector type V
// of 16 floats. Plain data and functions of internal linkage, so that ISA files may include it.
//
// A panel is up to three vectors of rows, packed as [depth][vectors][16]; each number of a pixel is
// multiplied with all of its rows at once, so that any number of pixels fills the registers, and sums lie as
// [pixels][vectors][16] until they are transposed.
#pragma once

#include "cpu/conv_problem.h"

namespace lathe::conv {
namespace {

constexpr int kPanelVectors = 3;
constexpr std::int64_t kPanelRows = kPanelVectors * kLanes;

/// Of 16 x 16 numbers.
template <class V>
[[gnu::always_inline]] inline void transpose(V (&rows)[kLanes]) {
  for (int step = 0; step < 4; ++step) {
    V next[kLanes];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      next[2 * i] = low_pairs(rows[i], rows[i + 8]);
      next[2 * i + 1] = high_pairs(rows[i], rows[i + 8]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) rows[i] = next[i];
  }
}

/// `count` rows of numbers, at most 16 and `stride` apart, as `length` vectors that are target_stride apart;
/// lanes without a row are zeros.
template <class V>
void interleave_rows(const float* rows, std::int64_t stride, std::int64_t count, std::int64_t length,
                     float* target, std::int64_t target_stride) {
  const V zero = broadcast(V{}, 0.0f);
  for (std::int64_t k = 0; k < length; k += kLanes) {
    const std::int64_t part = length - k < kLanes ? length - k : kLanes;
    V block[kLanes];
    for (std::int64_t r = 0; r < kLanes; ++r) {
      const float* row = rows + r * stride + k;
      block[r] = r >= count ? zero : part == kLanes ? load(V{}, row) : load_first(zero, row, part);
    }
    transpose(block);
    for (std::int64_t i = 0; i < part; ++i) store(target + (k + i) * target_stride, block[i]);
  }
}

/// The way back: `length` vectors that are `stride` apart as `count` rows, at most 16 and target_stride
/// apart.
template <class V>
void separate_rows(const float* vectors, std::int64_t stride, std::int64_t length, float* rows,
                   std::int64_t target_stride, std::int64_t count) {
  const V zero = broadcast(V{}, 0.0f);
  for (std::int64_t p = 0; p < length; p += kLanes) {
    const std::int64_t part = length - p < kLanes ? length - p : kLanes;
    V block[kLanes];
    for (std::int64_t i = 0; i < kLanes; ++i)
      block[i] = i < part ? load(V{}, vectors + (p + i) * stride) : zero;
    transpose(block);
    for (std::int64_t r = 0; r < count; ++r) {
      if (part == kLanes)
        store(rows + r * target_stride + p, block[r]);
      else
        store_first(rows + r * target_stride + p, block[r], part);
    }
  }
}

/// Some pixels, `stride` apart, times a panel for a part of the depth.
struct LaneTile {
  const float* weights;         // [depth][vectors][16]
  const float* x;               // what the first pixel sees of the depth begins here...
  const std::int64_t* offsets;  // ...and lies so far from it
  std::int64_t depth;
  float* sums;  // [pixels][vectors][16]: what the products' sums are added to
  // Weights that are packed next, rows that are ahead_stride apart: they come from memory meanwhile, a line
  // of the cache for each element of the depth.
  const float* ahead;
  std::int64_t ahead_stride;
};

template <class V, int kVectors, int kPixels, int kStride>
void multiply_pixels(const LaneTile& tile) {
  V sums[kPixels][kVectors];
#pragma GCC unroll 8
  for (int p = 0; p < kPixels; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[p][v] = broadcast(V{}, 0.0f);
  const float* weights = tile.weights;
  for (std::int64_t k = 0; k < tile.depth; ++k, weights += kVectors * kLanes) {
    const float* x = tile.x + tile.offsets[k];
    __builtin_prefetch(tile.ahead + k / kLanes * tile.ahead_stride + k % kLanes * kLanes, 0, 2);
    V weight[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) weight[v] = load(V{}, weights + v * kLanes);
#pragma GCC unroll 8
    for (int p = 0; p < kPixels; ++p) {
      const V pixel = broadcast(V{}, x[p * kStride]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[p][v] = fma(weight[v], pixel, sums[p][v]);
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < kPixels; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      float* sum = tile.sums + (p * kVectors + v) * kLanes;
      store(sum, load(V{}, sum) + sums[p][v]);
    }
}

using MultiplyPixels = void (*)(const LaneTile&);

template <class V, int kVectors, int kPixels, int kStride>
struct LaneTiles {
  static_assert(kVectors <= kPanelVectors && kPixels <= 8);
  static MultiplyPixels find(std::int64_t vectors, std::int64_t pixels) {
    if (vectors < kVectors) {
      if constexpr (kVectors > 1) return LaneTiles<V, kVectors - 1, kPixels, kStride>::find(vectors, pixels);
    }
    if (pixels < kPixels) {
      if constexpr (kPixels > 1) return LaneTiles<V, kVectors, kPixels - 1, kStride>::find(vectors, pixels);
    }
    return multiply_pixels<V, kVectors, kPixels, kStride>;
  }
};

}  // namespace
}  // namespace lathe::conv
