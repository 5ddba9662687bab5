// What WinogradConv does with some tiles of an image before and behind its products, over a vector type V of
// 16 floats: transforms inputs, and sums back to outputs. Plain data and functions of internal linkage, so
// that ISA files may include it.
//
// A row of tiles is padded to 4, 8 or whole vectors of tiles, so that a vector has four, two or one of them
// and a part of four tiles is in one line of the image. What is stored is read again only some lines later:
// a load over the edge of two stores waits until both are in the cache.
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
  std::int64_t width;   // tiles of a row, with those that pad it
  std::int64_t stride;  // tiles in whole vectors
};

[[maybe_unused]] std::int64_t padded_row(std::int64_t tiles) {
  if (tiles <= 8) return tiles <= 4 ? 4 : 8;
  return (tiles + kLanes - 1) / kLanes * kLanes;
}

[[maybe_unused]] TileChunk tile_chunk(Range rows, Range columns) {
  const std::int64_t width = padded_row(columns.end - columns.begin);
  const std::int64_t tiles = (rows.end - rows.begin) * width;
  return {rows, columns, width, (tiles + kLanes - 1) / kLanes * kLanes};
}

/// The largest chunk that an image is cut into.
[[maybe_unused]] TileChunk largest_chunk(const WinogradProblem& problem) {
  const std::int64_t columns = problem.tile_columns < kMaxChunkTiles ? problem.tile_columns : kMaxChunkTiles;
  const std::int64_t rows = kMaxChunkTiles / padded_row(columns);
  return tile_chunk({0, rows < problem.tile_rows ? rows : problem.tile_rows}, {0, columns});
}

/// Lines of inputs that a chunk sees of a channel.
[[maybe_unused]] std::int64_t input_lines(const TileChunk& chunk) {
  return (chunk.rows.end - chunk.rows.begin) * kTileOutputs + kTileInputs - kTileOutputs;
}

/// Floats from a line of a chunk's inputs to the next; vectors are read up to 4 floats behind the tiles.
[[maybe_unused]] std::int64_t line_stride(const TileChunk& chunk) {
  return chunk.width * kTileOutputs + kLanes;
}

constexpr std::int64_t kMostChannelsTogether = 4;

/// Channels whose inputs are transformed at once.
[[maybe_unused]] std::int64_t channels_together(const TileChunk& chunk) {
  constexpr std::int64_t kLines = 64;
  const std::int64_t fit = kLines / input_lines(chunk);
  return fit < 1 ? 1 : fit < kMostChannelsTogether ? fit : kMostChannelsTogether;
}

/// Floats of a channel's lines, behind which are those that are transformed down the columns.
[[maybe_unused]] std::int64_t halfway_begin(const TileChunk& chunk) {
  return input_lines(chunk) * line_stride(chunk);
}

/// Floats that the transform of inputs needs of scratch, for each channel.
[[maybe_unused]] std::int64_t channel_floats(const TileChunk& chunk) {
  return halfway_begin(chunk) + (chunk.rows.end - chunk.rows.begin) * kTileInputs * line_stride(chunk);
}

/// The inputs that a chunk sees of a channel, zeros outside.
template <class V>
void copy_lines(const WinogradProblem& problem, const float* channel, const TileChunk& chunk, float* lines) {
  const WindowAxis& axis = problem.axis[1];
  const std::int64_t stride = line_stride(chunk);
  const std::int64_t first = chunk.columns.begin * kTileOutputs - axis.pad_begin;
  const std::int64_t before = first < 0 ? -first : 0;
  const std::int64_t room = axis.input - first < stride ? axis.input - first : stride;
  std::int64_t at = chunk.rows.begin * kTileOutputs - problem.axis[0].pad_begin;
  for (std::int64_t i = 0; i < input_lines(chunk); ++i, ++at, lines += stride) {
    if (at < 0 || at >= problem.axis[0].input || room <= before) {
      clear_pixels<V>(lines, stride);
      continue;
    }
    clear_pixels<V>(lines, before);
    copy_pixels<V>(lines + before, channel + at * axis.input + first + before, 1, room - before);
    clear_pixels<V>(lines + room, stride - room);
  }
}

/// Down the columns: six lines of each row of tiles.
template <class V>
void transform_columns(const TileChunk& chunk, const float* lines, float* halfway) {
  const std::int64_t stride = line_stride(chunk);
  for (std::int64_t row = chunk.rows.begin; row < chunk.rows.end; ++row) {
    for (std::int64_t i = 0; i < stride; i += kLanes) {
      V d[kTileInputs];
      for (std::int64_t k = 0; k < kTileInputs; ++k) d[k] = load(V{}, lines + k * stride + i);
      transform_inputs(d);
      for (std::int64_t k = 0; k < kTileInputs; ++k) store(halfway + k * stride + i, d[k]);
    }
    lines += kTileOutputs * stride;
    halfway += kTileInputs * stride;
  }
}

/// Where four tiles are: their row and first column in a chunk; row -1 where they are in none.
struct TilePart {
  std::int64_t row;
  std::int64_t column;
};

[[maybe_unused]] TilePart tile_part(const TileChunk& chunk, std::int64_t tile) {
  const std::int64_t row = tile / chunk.width;
  return {row < chunk.rows.end - chunk.rows.begin ? row : -1, tile % chunk.width};
}

/// Along the lines, vectors of tiles: element f of tile t goes to target + f * element_stride + t.
template <class V>
void transform_lines(const TileChunk& chunk, const float* halfway, float* target,
                     std::int64_t element_stride) {
  const std::int64_t stride = line_stride(chunk);
  for (std::int64_t tile = 0; tile < chunk.stride; tile += kLanes) {
    const float* parts[4];
    for (std::int64_t i = 0; i < 4; ++i) {
      const TilePart part = tile_part(chunk, tile + i * 4);
      parts[i] = halfway + (part.row < 0 ? 0 : part.row * kTileInputs * stride) + part.column * kTileOutputs;
    }
    float* element = target + tile;
    for (std::int64_t k = 0; k < kTileInputs; ++k) {
      V d[kTileInputs];
      load_tiles(parts, d);
      transform_inputs(d);
      for (std::int64_t j = 0; j < kTileInputs; ++j, element += element_stride) store(element, d[j]);
      for (auto& part : parts) part += stride;
    }
  }
}

/// Transformed inputs of `channels`; each has chunk.stride floats of an element.
template <class V>
void transform_channels(const WinogradProblem& problem, std::int64_t image, Range channels,
                        const TileChunk& chunk, float* scratch, float* target, std::int64_t element_stride) {
  const std::int64_t pixels = problem.axis[0].input * problem.axis[1].input;
  const std::int64_t floats = channel_floats(chunk);
  const std::int64_t together = channels_together(chunk);
  for (std::int64_t c = channels.begin; c < channels.end; c += together) {
    const std::int64_t count = channels.end - c < together ? channels.end - c : together;
    for (std::int64_t i = 0; i < count; ++i)
      copy_lines<V>(problem, problem.x + (image * problem.channels + c + i) * pixels, chunk,
                    scratch + i * floats);
    for (std::int64_t i = 0; i < count; ++i)
      transform_columns<V>(chunk, scratch + i * floats, scratch + i * floats + halfway_begin(chunk));
    for (std::int64_t i = 0; i < count; ++i)
      transform_lines<V>(chunk, scratch + i * floats + halfway_begin(chunk), target + (c + i) * chunk.stride,
                         element_stride);
  }
}

/// The outputs of one row of the weights; element f of tile t lies at products + f * element_stride + t.
template <class V>
void transform_back(const WinogradProblem& problem, const TileChunk& chunk, const float* products,
                    std::int64_t element_stride, float bias, float* y) {
  const WindowAxis* axis = problem.axis;
  const std::int64_t width = axis[1].output;
  const std::int64_t last = chunk.columns.end * kTileOutputs;
  const std::int64_t end = last < width ? last : width;
  for (std::int64_t tile = 0; tile < chunk.stride; tile += kLanes) {
    V halfway[kTileInputs][kTileOutputs];
    for (std::int64_t k = 0; k < kTileInputs; ++k) {
      V m[kTileInputs];
      for (std::int64_t j = 0; j < kTileInputs; ++j)
        m[j] = load(V{}, products + (j * kTileInputs + k) * element_stride + tile);
      transform_outputs(m, halfway[k]);
    }
    for (std::int64_t k = 0; k < kTileOutputs; ++k) {
      V m[kTileInputs];
      V outputs[kTileOutputs];
      for (std::int64_t j = 0; j < kTileInputs; ++j) m[j] = halfway[j][k];
      transform_outputs(m, outputs);
      for (auto& output : outputs) output = broadcast(V{}, bias) + output;
      V parts[4];
      join_tiles(outputs, parts);
      for (std::int64_t i = 0; i < 4; ++i) {
        const TilePart part = tile_part(chunk, tile + i * 4);
        const std::int64_t line = (chunk.rows.begin + part.row) * kTileOutputs + k;
        const std::int64_t column = (chunk.columns.begin + part.column) * kTileOutputs;
        if (part.row < 0 || line >= axis[0].output || column >= end) continue;
        if (end - column >= kLanes)
          store(y + line * width + column, parts[i]);
        else
          store_first(y + line * width + column, parts[i], end - column);
      }
    }
  }
}

}  // namespace
}  // namespace lathe::conv
