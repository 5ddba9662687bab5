// The driver of WinogradConv in float32, over a vector type V of 16 floats and the size of its register tile.
// Plain data and functions of internal linkage, so that ISA files may include it.
//
// The outputs of an image are tiles of 4 x 4, which see 6 x 6 inputs. For a chunk of tiles the inputs of all
// channels are transformed into scratch; then each of the 36 elements of a tile is a product of its own,
// weights [rows, channels] times inputs [channels, tiles]; what comes out is transformed back. That is 36
// products for 16 outputs, where a convolution has 144.
//
// Arithmetic "winograd": transforms as winograd_tiles.h writes them, down the columns first; a sum over the
// channels is one chain of fused multiply-adds in ascending order, from zero; the bias (or zero) is added
// last. How tiles and rows are cut changes nothing.
#pragma once

#include "cpu/winograd_chunk.h"

namespace lathe::conv {
namespace {

/// Of a thread: transformed inputs and products; lines of inputs; a vector that is read behind the products.
[[maybe_unused]] std::size_t winograd_scratch_bytes(const KernelCall& call) {
  const WinogradProblem problem = winograd_problem(call);
  const TileChunk chunk = largest_chunk(problem);
  const std::int64_t floats = kElements * (problem.channels + problem.rows) * chunk.stride +
                              kMostChannelsTogether * channel_floats(chunk) + kLanes;
  return static_cast<std::size_t>(floats) * sizeof(float);
}

/// Sums over the channels for some rows of one element: weights [kRows, depth] times inputs [depth, stride].
template <class V, int kRows, int kVectors>
void sum_channels(const float* weights, std::int64_t depth, const float* inputs, std::int64_t stride,
                  float* y) {
  V sums[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) sums[r][v] = broadcast(V{}, 0.0f);
  const float* next = weights + kRows * depth;  // what is multiplied next comes from memory meanwhile
  for (std::int64_t k = 0; k < depth; ++k, inputs += stride) {
    __builtin_prefetch(next + k * kRows, 0, 2);
    V input[kVectors];
    for (int v = 0; v < kVectors; ++v) input[v] = load(V{}, inputs + v * kLanes);
    for (int r = 0; r < kRows; ++r) {
      const V weight = broadcast(V{}, weights[r * depth + k]);
      for (int v = 0; v < kVectors; ++v) sums[r][v] = fma(weight, input[v], sums[r][v]);
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) store(y + r * stride + v * kLanes, sums[r][v]);
}

using SumChannels = void (*)(const float*, std::int64_t, const float*, std::int64_t, float*);

template <class V, int kRows, int kVectors>
SumChannels find_sum(std::int64_t rows, std::int64_t vectors) {
  if (rows < kRows) {
    if constexpr (kRows > 1) return find_sum<V, kRows - 1, kVectors>(rows, vectors);
  }
  if (vectors < kVectors) {
    if constexpr (kVectors > 1) return find_sum<V, kRows, kVectors - 1>(rows, vectors);
  }
  return sum_channels<V, kRows, kVectors>;
}

/// Element by element: its weights come from memory once, its inputs stay in the cache for all rows.
template <class V, int kRows, int kVectors>
void multiply_elements(const WinogradProblem& problem, Range rows, std::int64_t stride, const float* inputs,
                       float* products) {
  const std::int64_t count = rows.end - rows.begin;
  const std::int64_t vectors = stride / kLanes;
  const std::int64_t panels = (vectors + kVectors - 1) / kVectors;
  for (std::int64_t element = 0; element < kElements; ++element) {
    const float* weights = problem.weights + (element * problem.rows + rows.begin) * problem.channels;
    for (std::int64_t row = 0; row < count; row += kRows)
      for (std::int64_t panel = 0; panel < panels; ++panel) {
        const Range part = share(vectors, panel, panels);
        find_sum<V, kRows, kVectors>(count - row, part.end - part.begin)(
            weights + row * problem.channels, problem.channels,
            inputs + element * problem.channels * stride + part.begin * kLanes, stride,
            products + (element * count + row) * stride + part.begin * kLanes);
      }
  }
}

/// Outputs of the chunk that lie one behind the other: all of it where it has whole lines, else line by line.
template <class Functions>
void finish_chunk(const WinogradProblem& problem, const TileChunk& chunk, std::int64_t plane) {
  if (problem.epilogue.program.count == 0) return;
  const WindowAxis* axis = problem.axis;
  const std::int64_t first = chunk.rows.begin * kTileOutputs;
  const std::int64_t last =
      chunk.rows.end * kTileOutputs < axis[0].output ? chunk.rows.end * kTileOutputs : axis[0].output;
  const std::int64_t column = chunk.columns.begin * kTileOutputs;
  const std::int64_t end =
      chunk.columns.end * kTileOutputs < axis[1].output ? chunk.columns.end * kTileOutputs : axis[1].output;
  const bool whole = end - column == axis[1].output;
  const std::int64_t count = whole ? (last - first) * axis[1].output : end - column;
  for (std::int64_t line = first; line < (whole ? first + 1 : last); ++line) {
    const std::int64_t offset = plane + line * axis[1].output + column;
    run_epilogue<Functions>(problem.epilogue, problem.y + offset, offset, count);
  }
}

template <class V, int kRows, int kVectors, class Functions>
void convolve_tiles(const WinogradProblem& problem, std::int64_t image, Range rows, const TileChunk& chunk,
                    float* scratch) {
  constexpr std::int64_t kRowsTogether = 8;  // outputs that are stored before the epilogue reads them
  const std::int64_t count = rows.end - rows.begin;
  float* lines = scratch;
  float* inputs = lines + kMostChannelsTogether * channel_floats(chunk);
  float* products = inputs + kElements * problem.channels * chunk.stride;
  transform_channels<V>(problem, image, {0, problem.channels}, chunk, lines, inputs,
                        problem.channels * chunk.stride);
  multiply_elements<V, kRows, kVectors>(problem, rows, chunk.stride, inputs, products);
  const std::int64_t pixels = problem.axis[0].output * problem.axis[1].output;
  const std::int64_t first = (image * problem.rows + rows.begin) * pixels;
  for (std::int64_t begin = 0; begin < count; begin += kRowsTogether) {
    const std::int64_t end = begin + kRowsTogether < count ? begin + kRowsTogether : count;
    for (std::int64_t row = begin; row < end; ++row)
      transform_back<V>(problem, chunk, products + row * chunk.stride, count * chunk.stride,
                        problem.bias == nullptr ? 0.0f : problem.bias[rows.begin + row],
                        problem.y + first + row * pixels);
    for (std::int64_t row = begin; row < end; ++row)
      finish_chunk<Functions>(problem, chunk, first + row * pixels);
  }
}

/// Some rows of tiles of an image, in chunks of nearly equal size.
template <class V, int kRows, int kVectors, class Functions>
void convolve_part(const WinogradProblem& problem, std::int64_t image, Range rows, Range tile_rows,
                   float* scratch) {
  const std::int64_t count = tile_rows.end - tile_rows.begin;
  const std::int64_t together = largest_chunk(problem).rows.end;
  const std::int64_t across = (problem.tile_columns + kMaxChunkTiles - 1) / kMaxChunkTiles;
  const std::int64_t down = (count + together - 1) / together;
  for (std::int64_t i = 0; i < down; ++i)
    for (std::int64_t j = 0; j < across; ++j) {
      const Range part = share(count, i, down);
      const TileChunk chunk = tile_chunk({tile_rows.begin + part.begin, tile_rows.begin + part.end},
                                         share(problem.tile_columns, j, across));
      convolve_tiles<V, kRows, kVectors, Functions>(problem, image, rows, chunk, scratch);
    }
}

/// Threads share the weights' rows where tiles would fill too few vectors, or where weights come from memory.
[[maybe_unused]] bool shares_weights(const WinogradProblem& problem, std::int64_t tile_rows, int threads) {
  constexpr std::int64_t kCachedWeights = 1 << 20;
  const std::int64_t tiles = problem.tile_rows * problem.tile_columns;
  const bool few = tiles <= kLanes * threads;
  const bool large = kElements * problem.rows * problem.channels > kCachedWeights;
  return problem.images == 1 && problem.rows >= tile_rows * threads && (few || large);
}

template <class V, int kRows, int kVectors, class Functions>
void run_winograd(const KernelCall& call) {
  const WinogradProblem problem = winograd_problem(call);
  auto* scratch = static_cast<float*>(call.scratch);
  if (shares_weights(problem, kRows, call.threads)) {
    const Range tiles = share((problem.rows + kRows - 1) / kRows, call.thread, call.threads);
    const std::int64_t end = tiles.end * kRows < problem.rows ? tiles.end * kRows : problem.rows;
    return convolve_part<V, kRows, kVectors, Functions>(problem, 0, {tiles.begin * kRows, end},
                                                        {0, problem.tile_rows}, scratch);
  }
  const Range units = share(problem.images * problem.tile_rows, call.thread, call.threads);
  for (std::int64_t unit = units.begin; unit < units.end;) {
    const std::int64_t image = unit / problem.tile_rows;
    const std::int64_t first = image * problem.tile_rows;
    const std::int64_t end = units.end < first + problem.tile_rows ? units.end : first + problem.tile_rows;
    convolve_part<V, kRows, kVectors, Functions>(problem, image, {0, problem.rows},
                                                 {unit - first, end - first}, scratch);
    unit = end;
  }
}

}  // namespace
}  // namespace lathe::conv
