// The driver of Conv and FusedConv in float32, over a vector type V of 16 floats and the size of its register
// tile. Plain data and functions of internal linkage, so that ISA files may include it.
//
// A group of an image is a product: weights [rows, depth] times windows [depth, pixels], where depth runs
// over channels and then the kernel. Windows of up to 16 vectors of pixels and 256 of the depth are gathered
// into scratch, zeros where they leave the input, and all rows are multiplied with them there. Many rows:
// lane_conv.h; groups of one channel and one row: depthwise_conv.h.
//
// Arithmetic "f32": blocks of 256 of the depth; in each the products are added in ascending order with fused
// multiply-adds, from zero; the sums of the blocks are added to the bias (or zero) in ascending order. How
// pixels and rows are cut changes nothing. The epilogue runs over outputs that have just been written.
#pragma once

#include "cpu/conv_gather.h"
#include "cpu/depthwise_conv.h"
#include "cpu/lane_conv.h"

namespace lathe::conv {
namespace {

/// A tile of outputs for a block of the depth.
struct Tile {
  const float* weights;  // rows that are depth_stride apart
  std::int64_t depth_stride;
  const float* windows;  // rows that are windows_stride apart
  std::int64_t windows_stride;
  std::int64_t depth;
  const float* start;  // what the block's sums are added to: the bias, or null for zero
  bool adds;           // to the output instead
  float* y;            // rows that are pixels apart
  std::int64_t pixels;
  std::int64_t count;  // pixels of the tile, at most its vectors
};

template <class V, int kRows, int kVectors>
void multiply(const Tile& tile) {
  V sums[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) sums[r][v] = broadcast(V{}, 0.0f);
  const float* windows = tile.windows;
  for (std::int64_t k = 0; k < tile.depth; ++k, windows += tile.windows_stride) {
    V window[kVectors];
    for (int v = 0; v < kVectors; ++v) window[v] = load(V{}, windows + v * kLanes);
    for (int r = 0; r < kRows; ++r) {
      const V weight = broadcast(V{}, tile.weights[r * tile.depth_stride + k]);
      for (int v = 0; v < kVectors; ++v) sums[r][v] = fma(weight, window[v], sums[r][v]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    const V start = broadcast(V{}, tile.start == nullptr ? 0.0f : tile.start[r]);
    for (int v = 0; v < kVectors; ++v) {
      float* y = tile.y + r * tile.pixels + v * kLanes;
      const std::int64_t count = tile.count - v * kLanes;
      if (count >= kLanes)
        store(y, (tile.adds ? load(V{}, y) : start) + sums[r][v]);
      else
        store_first(y, (tile.adds ? load_first(start, y, count) : start) + sums[r][v], count);
    }
  }
}

using Multiply = void (*)(const Tile&);

template <class V, int kRows, int kVectors>
struct Tiles {
  static_assert(kRows <= 8 && kVectors <= 3);
  static Multiply find(std::int64_t rows, std::int64_t vectors) {
    if (rows < kRows) {
      if constexpr (kRows > 1) return Tiles<V, kRows - 1, kVectors>::find(rows, vectors);
    }
    if (vectors < kVectors) {
      if constexpr (kVectors > 1) return Tiles<V, kRows, kVectors - 1>::find(rows, vectors);
    }
    return multiply<V, kRows, kVectors>;
  }
};

/// The prologue on gathered pixels of channels: windows are of one pixel, so that a row is a channel.
template <class V>
void scale_channels(const Problem& problem, std::int64_t group, Range channels, std::int64_t count,
                    float* windows) {
  const V zero = broadcast(V{}, 0.0f);
  const float* factors = problem.factors + group * problem.channels;
  const float* offsets = problem.offsets + group * problem.channels;
  for (std::int64_t c = channels.begin; c < channels.end; ++c, windows += kChunkStride) {
    const V factor = broadcast(V{}, factors[c]);
    const V offset = broadcast(V{}, offsets[c]);
    for (std::int64_t i = 0; i < count; i += kLanes)
      store(windows + i, greater(zero, offset + fma(factor, load(V{}, windows + i), zero)));
  }
}

/// Some rows and at most kChunkVectors vectors of pixels of an item.
template <class V, int kRows, int kVectors, class Functions>
void multiply_chunk(const Problem& problem, std::int64_t item, Range rows, Range pixels, float* scratch) {
  const std::int64_t group = item % problem.groups;
  const float* image = problem.x + item * problem.channels * problem.input_pixels;
  const float* weights = problem.weights + group * problem.rows * problem.depth;
  float* y = problem.y + item * problem.rows * problem.pixels;
  const std::int64_t vectors = (pixels.end - pixels.begin + kLanes - 1) / kLanes;
  const std::int64_t panels = (vectors + kVectors - 1) / kVectors;
  // Pixels of a pointwise convolution are windows already, where whole vectors of them may be read.
  const bool in_place =
      is_pointwise(problem) && problem.factors == nullptr && (pixels.end - pixels.begin) % kLanes == 0;
  for (std::int64_t k = 0; k == 0 || k < problem.depth; k += kBlock) {
    const std::int64_t end = k + kBlock < problem.depth ? k + kBlock : problem.depth;
    const float* windows = in_place ? image + k * problem.input_pixels + pixels.begin : scratch;
    if (!in_place) gather<V>(problem, image, {k, end}, pixels, scratch);
    if (problem.factors != nullptr) scale_channels<V>(problem, group, {k, end}, vectors * kLanes, scratch);
    for (std::int64_t row = rows.begin; row < rows.end; row += kRows) {
      for (std::int64_t panel = 0; panel < panels; ++panel) {
        const Range part = share(vectors, panel, panels);
        const std::int64_t first = part.begin * kLanes;
        const float* bias = problem.bias == nullptr ? nullptr : problem.bias + group * problem.rows + row;
        const Tile tile{weights + row * problem.depth + k,
                        problem.depth,
                        windows + first,
                        in_place ? problem.input_pixels : kChunkStride,
                        end - k,
                        bias,
                        k > 0,
                        y + row * problem.pixels + pixels.begin + first,
                        problem.pixels,
                        pixels.end - pixels.begin - first};
        Tiles<V, kRows, kVectors>::find(rows.end - row, part.end - part.begin)(tile);
      }
      if (end < problem.depth || problem.epilogue.program.count == 0) continue;
      for (std::int64_t r = row; r < row + kRows && r < rows.end; ++r) {
        const std::int64_t first = r * problem.pixels + pixels.begin;
        run_epilogue<Functions>(problem.epilogue, y + first, item * problem.rows * problem.pixels + first,
                                pixels.end - pixels.begin);
      }
    }
  }
}

/// Some rows and vectors of pixels of an item, in chunks of equal size.
template <class V, int kRows, int kVectors, class Functions>
void multiply_part(const Problem& problem, std::int64_t item, Range rows, Range vectors, float* scratch) {
  const std::int64_t count = vectors.end - vectors.begin;
  const std::int64_t chunks = (count + kChunkVectors - 1) / kChunkVectors;
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    const Range part = share(count, chunk, chunks);
    const std::int64_t begin = (vectors.begin + part.begin) * kLanes;
    std::int64_t end = (vectors.begin + part.end) * kLanes;
    if (end > problem.pixels) end = problem.pixels;
    multiply_chunk<V, kRows, kVectors, Functions>(problem, item, rows, {begin, end}, scratch);
  }
}

/// Threads share an image's rows where it has few pixels: each then reads weights of its own alone.
[[maybe_unused]] bool shares_rows(const Problem& problem, std::int64_t tile_rows, int threads) {
  const std::int64_t tiles = problem.rows / tile_rows;
  return problem.items == 1 && tiles >= threads && problem.pixels <= problem.rows;
}

template <class V, int kRows, int kVectors, class Functions>
void run(const KernelCall& call, const Problem& problem) {
  auto* scratch = static_cast<float*>(call.scratch);
  if (fits_depthwise(problem)) return run_depthwise<V, Functions>(call, problem);
  if (problem.factors == nullptr && fits_lanes(problem))
    return run_lanes<V, kVectors, kRows, Functions>(call, problem);
  const std::int64_t vectors = (problem.pixels + kLanes - 1) / kLanes;
  if (shares_rows(problem, kRows, call.threads)) {
    const Range tiles = share((problem.rows + kRows - 1) / kRows, call.thread, call.threads);
    const std::int64_t end = tiles.end * kRows < problem.rows ? tiles.end * kRows : problem.rows;
    multiply_part<V, kRows, kVectors, Functions>(problem, 0, {tiles.begin * kRows, end}, {0, vectors},
                                                 scratch);
    return;
  }
  const Range units = share(problem.items * vectors, call.thread, call.threads);
  for (std::int64_t unit = units.begin; unit < units.end;) {
    const std::int64_t item = unit / vectors;
    const std::int64_t end = units.end < (item + 1) * vectors ? units.end : (item + 1) * vectors;
    multiply_part<V, kRows, kVectors, Functions>(problem, item, {0, problem.rows},
                                                 {unit - item * vectors, end - item * vectors}, scratch);
    unit = end;
  }
}

/// Conv.
template <class V, int kRows, int kVectors, class Functions>
void run_plain(const KernelCall& call) {
  run<V, kRows, kVectors, Functions>(call, problem_of<false>(call));
}

/// FusedConv.
template <class V, int kRows, int kVectors, class Functions>
void run_fused(const KernelCall& call) {
  run<V, kRows, kVectors, Functions>(call, problem_of<true>(call));
}

}  // namespace
}  // namespace lathe::conv
