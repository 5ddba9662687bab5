// Convolutions of one channel each in float32, one row for each channel: the depthwise half of a separable
// convolution. Over a vector type V of 16 floats; the arithmetic is that of conv.h, whose products there are
// fewer than a block of.
//
// A strip of the padded plane lies in scratch, each row of it cut into as many parts as the stride is long
// (elements 0, stride, 2 stride, ..., then 1, stride + 1, ...), so that neighbouring outputs read
// neighbouring numbers whatever the stride. A row of outputs is computed in vectors from there.
#pragma once

#include "cpu/conv_gather.h"

namespace lathe::conv {
namespace {

constexpr std::int64_t kScaledRun = 2048;  // numbers that stay in the first-level cache

/// The two last axes; the outer one is of length 1 where there is none.
struct Plane {
  WindowAxis rows;
  WindowAxis columns;
  std::int64_t phase;  // numbers from one part of a row to the next
  std::int64_t row;    // numbers from one row to the next
};

[[maybe_unused]] Plane plane_of(const Problem& problem) {
  Plane plane{};
  plane.rows = problem.axes == 2 ? problem.axis[0] : WindowAxis{1, 1, 1, 1, 0, 0, 1};
  plane.columns = problem.axis[problem.axes - 1];
  const WindowAxis& columns = plane.columns;
  // whole vectors are read from each element of the kernel on
  plane.phase =
      (columns.output + kLanes - 1) / kLanes * kLanes + (window_extent(columns) - 1) / columns.stride + 1;
  plane.row = plane.phase * columns.stride;
  return plane;
}

/// Rows of the padded input that `count` rows of the output read.
[[maybe_unused]] std::int64_t strip_rows(const WindowAxis& rows, std::int64_t count) {
  return (count - 1) * rows.stride + window_extent(rows);
}

[[maybe_unused]] bool fits_depthwise(const Problem& problem) {
  if (problem.rows != 1 || problem.channels != 1 || problem.axes > 2 || problem.depth > kBlock) return false;
  if (problem.factors != nullptr) return false;
  if (is_pointwise(problem)) return true;
  const Plane plane = plane_of(problem);
  return strip_rows(plane.rows, 1) * plane.row <= kBlock * kChunkStride;
}

/// Row `at` of the input, which may lie outside, in its parts.
template <class V>
void spread_row(const Plane& plane, const float* x, std::int64_t at, float* target) {
  const WindowAxis& columns = plane.columns;
  clear_pixels<V>(target, plane.row);
  if (at < 0 || at >= plane.rows.input) return;
  const float* source = x + at * columns.input;
  if (columns.stride == 1) {
    const std::int64_t room = plane.row - columns.pad_begin;
    return copy_pixels<V>(target + columns.pad_begin, source, 1, columns.input < room ? columns.input : room);
  }
  std::int64_t part = columns.pad_begin % columns.stride;
  std::int64_t place = columns.pad_begin / columns.stride;
  for (std::int64_t i = 0; i < columns.input && place < plane.phase; ++i) {
    target[part * plane.phase + place] = source[i];
    if (++part < columns.stride) continue;
    part = 0;
    ++place;
  }
}

/// Where each element of the kernel finds what the first output sees, from the beginning of its strip on.
struct TapOffsets {
  std::int64_t offset[kBlock];
};

[[maybe_unused]] TapOffsets tap_offsets(const Plane& plane) {
  TapOffsets taps{};
  const WindowAxis& columns = plane.columns;
  for (std::int64_t i = 0; i < plane.rows.kernel; ++i)
    for (std::int64_t k = 0; k < columns.kernel; ++k) {
      const std::int64_t shift = k * columns.dilation;
      taps.offset[i * columns.kernel + k] =
          i * plane.rows.dilation * plane.row + shift % columns.stride * plane.phase + shift / columns.stride;
    }
  return taps;
}

/// What a plane is convolved with.
struct Filter {
  const float* weights;
  std::int64_t count;
  float bias;
};

/// Vectors of kRows rows of outputs, from the strips that the first one's windows begin with.
template <class V, int kRows, int kVectors>
void convolve_rows(const Plane& plane, const TapOffsets& taps, const Filter& filter, const float* strip,
                   std::int64_t left, float* y) {
  const std::int64_t step = plane.rows.stride * plane.row;
  V sums[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) sums[r][v] = broadcast(V{}, 0.0f);
  for (std::int64_t k = 0; k < filter.count; ++k) {
    const float* source = strip + taps.offset[k];
    const V weight = broadcast(V{}, filter.weights[k]);
    for (int r = 0; r < kRows; ++r)
      for (int v = 0; v < kVectors; ++v)
        sums[r][v] = fma(weight, load(V{}, source + r * step + v * kLanes), sums[r][v]);
  }
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) {
      const V result = broadcast(V{}, filter.bias) + sums[r][v];
      float* target = y + r * plane.columns.output + v * kLanes;
      const std::int64_t count = left - v * kLanes;
      if (count >= kLanes)
        store(target, result);
      else
        store_first(target, result, count);
    }
}

/// Rows of outputs [0, rows) of a strip that holds all that they read.
template <class V, int kRows, int kVectors>
void convolve_strip(const Plane& plane, const TapOffsets& taps, const Filter& filter, const float* strip,
                    std::int64_t rows, float* y) {
  const std::int64_t width = plane.columns.output;
  const std::int64_t step = plane.rows.stride * plane.row;
  std::int64_t column = 0;
  for (; column + (kVectors - 1) * kLanes < width; column += kVectors * kLanes) {
    std::int64_t row = 0;
    for (; row + kRows <= rows; row += kRows)
      convolve_rows<V, kRows, kVectors>(plane, taps, filter, strip + row * step + column, width - column,
                                        y + row * width + column);
    for (; row < rows; ++row)
      convolve_rows<V, 1, kVectors>(plane, taps, filter, strip + row * step + column, width - column,
                                    y + row * width + column);
  }
  for (; column < width; column += kLanes)
    for (std::int64_t row = 0; row < rows; ++row)
      convolve_rows<V, 1, 1>(plane, taps, filter, strip + row * step + column, width - column,
                             y + row * width + column);
}

template <class V, class Functions>
void convolve_plane(const Problem& problem, const Plane& plane, const TapOffsets& taps, std::int64_t item,
                    float* scratch) {
  const std::int64_t group = item % problem.groups;
  const float* x = problem.x + item * problem.input_pixels;
  const Filter filter{problem.weights + group * problem.depth, problem.depth,
                      problem.bias == nullptr ? 0.0f : problem.bias[group]};
  float* y = problem.y + item * problem.pixels;
  std::int64_t most = 1;
  while (most < plane.rows.output && strip_rows(plane.rows, most + 1) * plane.row <= kBlock * kChunkStride)
    ++most;
  for (std::int64_t row = 0; row < plane.rows.output; row += most) {
    const std::int64_t end = row + most < plane.rows.output ? row + most : plane.rows.output;
    for (std::int64_t i = 0; i < strip_rows(plane.rows, end - row); ++i)
      spread_row<V>(plane, x, first_input(plane.rows, row) + i, scratch + i * plane.row);
    float* target = y + row * plane.columns.output;
    if (plane.columns.output <= kLanes)
      convolve_strip<V, 4, 1>(plane, taps, filter, scratch, end - row, target);
    else
      convolve_strip<V, 2, 2>(plane, taps, filter, scratch, end - row, target);
    const std::int64_t first = row * plane.columns.output;
    run_epilogue<Functions>(problem.epilogue, y + first, item * problem.pixels + first,
                            (end - row) * plane.columns.output);
  }
}

/// A plane times one weight.
template <class V, class Functions>
void scale_plane(const Problem& problem, std::int64_t item) {
  const std::int64_t group = item % problem.groups;
  const float* x = problem.x + item * problem.pixels;
  float* y = problem.y + item * problem.pixels;
  const V zero = broadcast(V{}, 0.0f);
  const V weight = broadcast(V{}, problem.weights[group]);
  const V bias = broadcast(V{}, problem.bias == nullptr ? 0.0f : problem.bias[group]);
  for (std::int64_t begin = 0; begin < problem.pixels; begin += kScaledRun) {
    const std::int64_t left = problem.pixels - begin;
    const std::int64_t count = left < kScaledRun ? left : kScaledRun;
    std::int64_t i = begin;
    for (; i + kLanes <= begin + count; i += kLanes) store(y + i, bias + fma(weight, load(V{}, x + i), zero));
    const std::int64_t rest = begin + count - i;
    if (rest > 0) store_first(y + i, bias + fma(weight, load_first(zero, x + i, rest), zero), rest);
    run_epilogue<Functions>(problem.epilogue, y + begin, item * problem.pixels + begin, count);
  }
}

template <class V, class Functions>
void run_depthwise(const KernelCall& call, const Problem& problem) {
  const Range items = share(problem.items, call.thread, call.threads);
  if (is_pointwise(problem)) {
    for (std::int64_t item = items.begin; item < items.end; ++item) scale_plane<V, Functions>(problem, item);
    return;
  }
  const Plane plane = plane_of(problem);
  const TapOffsets taps = tap_offsets(plane);
  for (std::int64_t item = items.begin; item < items.end; ++item)
    convolve_plane<V, Functions>(problem, plane, taps, item, static_cast<float*>(call.scratch));
}

}  // namespace
}  // namespace lathe::conv
