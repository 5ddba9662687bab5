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

#include "cpu/winograd_tiles.h"

namespace lathe::conv {
namespace {

constexpr int kWinogradAttributes = 1;  // pads; behind them those of the epilogue

struct WinogradProblem {
  std::int64_t images;
  std::int64_t channels;
  std::int64_t rows;  // of the weights
  WindowAxis axis[2];
  std::int64_t tile_rows;     // of an image
  std::int64_t tile_columns;  // of an image
  const float* x;
  const float* weights;  // [36, rows, channels]
  const float* bias;     // or null
  float* y;
  Epilogue epilogue;
};

[[maybe_unused]] WinogradProblem winograd_problem(const KernelCall& call) {
  const TensorArg& x = call.inputs[0];
  const TensorArg& weights = call.inputs[1];
  constexpr std::int64_t kKernel[] = {3, 3};
  WinogradProblem problem{};
  resolve_windows({"", "", call.attributes[0].text, ""}, 2, x.dims + 2, kKernel, false, problem.axis);
  problem.images = x.dims[0];
  problem.channels = x.dims[1];
  problem.rows = weights.dims[1];
  problem.tile_rows = (problem.axis[0].output + kTileOutputs - 1) / kTileOutputs;
  problem.tile_columns = (problem.axis[1].output + kTileOutputs - 1) / kTileOutputs;
  problem.x = static_cast<const float*>(x.data);
  problem.weights = static_cast<const float*>(weights.data);
  const bool has_bias = call.inputs[2].rank == 1 && call.inputs[2].dims[0] > 0;
  problem.bias = has_bias ? static_cast<const float*>(call.inputs[2].data) : nullptr;
  problem.y = static_cast<float*>(call.outputs[0].data);
  problem.epilogue = epilogue_of(call, kWinogradAttributes, kInputs);
  return problem;
}

/// Tiles that are computed at once: some rows of tiles, or a part of one.
struct TileChunk {
  Range rows;
  Range columns;
  std::int64_t tiles;
  std::int64_t stride;  // tiles in whole vectors
};

[[maybe_unused]] TileChunk tile_chunk(Range rows, Range columns) {
  const std::int64_t tiles = (rows.end - rows.begin) * (columns.end - columns.begin);
  return {rows, columns, tiles, (tiles + kLanes - 1) / kLanes * kLanes};
}

/// Tiles that a chunk of an image has at most.
[[maybe_unused]] std::int64_t most_tiles(std::int64_t tile_rows, std::int64_t tile_columns) {
  if (tile_columns >= kMaxChunkTiles) return kMaxChunkTiles;
  const std::int64_t rows = kMaxChunkTiles / tile_columns;
  return (rows < tile_rows ? rows : tile_rows) * tile_columns;
}

/// Of a thread: transformed inputs and products; lines of inputs; a vector that is read behind the products.
[[maybe_unused]] std::size_t winograd_scratch_bytes(const KernelCall& call) {
  const WinogradProblem problem = winograd_problem(call);
  const std::int64_t tiles = most_tiles(problem.tile_rows, problem.tile_columns);
  const std::int64_t stride = (tiles + kLanes - 1) / kLanes * kLanes;
  const std::int64_t floats =
      kElements * (problem.channels + problem.rows) * stride + kTileInputs * kLineStride + kLanes;
  return static_cast<std::size_t>(floats) * sizeof(float);
}

/// Floats of a line that vectors of tiles read.
[[maybe_unused]] std::int64_t line_extent(std::int64_t columns) {
  return (columns + kLanes - 1) / kLanes * kLanes * kTileOutputs + kLanes;
}

/// The inputs that tiles `columns` of one row of tiles see of a channel: six lines, zeros outside.
template <class V>
void copy_lines(const WinogradProblem& problem, const float* channel, std::int64_t tile_row, Range columns,
                float* lines) {
  const WindowAxis& axis = problem.axis[1];
  const std::int64_t first = columns.begin * kTileOutputs - axis.pad_begin;
  const std::int64_t width = (columns.end - columns.begin) * kTileOutputs + kTileInputs - kTileOutputs;
  const std::int64_t extent = line_extent(columns.end - columns.begin);
  const std::int64_t before = first < 0 ? -first : 0;
  const std::int64_t room = axis.input - first < width ? axis.input - first : width;
  for (std::int64_t i = 0; i < kTileInputs; ++i, lines += kLineStride) {
    const std::int64_t at = tile_row * kTileOutputs - problem.axis[0].pad_begin + i;
    if (at < 0 || at >= problem.axis[0].input || room <= before) {
      clear_pixels<V>(lines, extent);
      continue;
    }
    clear_pixels<V>(lines, before);
    copy_pixels<V>(lines + before, channel + at * axis.input + first + before, 1, room - before);
    clear_pixels<V>(lines + room, extent - room);
  }
}

/// Transformed inputs of one channel: element f of tile t at target + f * element_stride + t.
template <class V>
void transform_channel(const WinogradProblem& problem, const float* channel, const TileChunk& chunk,
                       float* lines, float* target, std::int64_t element_stride) {
  const std::int64_t columns = chunk.columns.end - chunk.columns.begin;
  std::int64_t tile = 0;
  for (std::int64_t row = chunk.rows.begin; row < chunk.rows.end; ++row, tile += columns) {
    copy_lines<V>(problem, channel, row, chunk.columns, lines);
    const std::int64_t width = (columns + 1) * kTileOutputs;
    for (std::int64_t i = 0; i < width; i += kLanes) {
      V d[kTileInputs];
      for (std::int64_t k = 0; k < kTileInputs; ++k) d[k] = load(V{}, lines + k * kLineStride + i);
      transform_inputs(d);
      for (std::int64_t k = 0; k < kTileInputs; ++k) store(lines + k * kLineStride + i, d[k]);
    }
    // What a vector has behind the row's tiles is written over by the next row, or is in no tile.
    for (std::int64_t i = 0; i < columns; i += kLanes) {
      const std::int64_t left = chunk.stride - tile - i;
      for (std::int64_t k = 0; k < kTileInputs; ++k) {
        V d[kTileInputs];
        load_tiles(lines + k * kLineStride + i * kTileOutputs, d);
        transform_inputs(d);
        float* element = target + k * kTileInputs * element_stride + tile + i;
        for (std::int64_t j = 0; j < kTileInputs; ++j, element += element_stride) {
          if (left >= kLanes)
            store(element, d[j]);
          else
            store_first(element, d[j], left);
        }
      }
    }
  }
}

/// Sums over the channels for some rows of one element: weights [kRows, depth] times inputs [depth, stride].
template <class V, int kRows, int kVectors>
void sum_channels(const float* weights, std::int64_t depth, const float* inputs, std::int64_t stride,
                  float* y) {
  V sums[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) sums[r][v] = broadcast(V{}, 0.0f);
  for (std::int64_t k = 0; k < depth; ++k, inputs += stride) {
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

/// The outputs of one row of the weights; element f of tile t lies at products + f * element_stride + t.
template <class V>
void transform_back(const WinogradProblem& problem, const TileChunk& chunk, const float* products,
                    std::int64_t element_stride, float bias, float* y) {
  const WindowAxis* axis = problem.axis;
  const std::int64_t columns = chunk.columns.end - chunk.columns.begin;
  std::int64_t tile = 0;
  for (std::int64_t row = chunk.rows.begin; row < chunk.rows.end; ++row, tile += columns) {
    for (std::int64_t i = 0; i < columns; i += kLanes) {
      V halfway[kTileInputs][kTileOutputs];
      for (std::int64_t k = 0; k < kTileInputs; ++k) {
        V m[kTileInputs];
        for (std::int64_t j = 0; j < kTileInputs; ++j)
          m[j] = load(V{}, products + (j * kTileInputs + k) * element_stride + tile + i);
        transform_outputs(m, halfway[k]);
      }
      const std::int64_t column = (chunk.columns.begin + i) * kTileOutputs;
      const std::int64_t end = chunk.columns.end * kTileOutputs < axis[1].output
                                   ? chunk.columns.end * kTileOutputs
                                   : axis[1].output;
      for (std::int64_t k = 0; k < kTileOutputs && row * kTileOutputs + k < axis[0].output; ++k) {
        V m[kTileInputs];
        V outputs[kTileOutputs];
        for (std::int64_t j = 0; j < kTileInputs; ++j) m[j] = halfway[j][k];
        transform_outputs(m, outputs);
        for (auto& output : outputs) output = broadcast(V{}, bias) + output;
        store_tiles(outputs, y + (row * kTileOutputs + k) * axis[1].output + column, end - column);
      }
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
  const std::int64_t count = rows.end - rows.begin;
  float* lines = scratch;
  float* inputs = lines + kTileInputs * kLineStride;
  float* products = inputs + kElements * problem.channels * chunk.stride;
  const std::int64_t pixels = problem.axis[0].input * problem.axis[1].input;
  for (std::int64_t c = 0; c < problem.channels; ++c)
    transform_channel<V>(problem, problem.x + (image * problem.channels + c) * pixels, chunk, lines,
                         inputs + c * chunk.stride, problem.channels * chunk.stride);
  multiply_elements<V, kRows, kVectors>(problem, rows, chunk.stride, inputs, products);
  for (std::int64_t row = 0; row < count; ++row) {
    const float bias = problem.bias == nullptr ? 0.0f : problem.bias[rows.begin + row];
    const std::int64_t plane =
        (image * problem.rows + rows.begin + row) * problem.axis[0].output * problem.axis[1].output;
    transform_back<V>(problem, chunk, products + row * chunk.stride, count * chunk.stride, bias,
                      problem.y + plane);
    finish_chunk<Functions>(problem, chunk, plane);
  }
}

/// Some rows of tiles of an image, in chunks of nearly equal size.
template <class V, int kRows, int kVectors, class Functions>
void convolve_part(const WinogradProblem& problem, std::int64_t image, Range rows, Range tile_rows,
                   float* scratch) {
  const std::int64_t count = tile_rows.end - tile_rows.begin;
  const std::int64_t together = most_tiles(problem.tile_rows, problem.tile_columns) / problem.tile_columns;
  const std::int64_t across = (problem.tile_columns + kMaxChunkTiles - 1) / kMaxChunkTiles;
  const std::int64_t down = together == 0 ? count : (count + together - 1) / together;
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
