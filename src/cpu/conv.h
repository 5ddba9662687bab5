// The driver of Conv in float32, over a vector type V of 16 floats and the size of its register tile. Plain
// data and functions of internal linkage, so that ISA files may include it.
//
// A group of an image is a product: weights [rows, depth] times windows [depth, pixels], where depth runs
// over channels and then the kernel. Windows of up to 16 vectors of pixels and 256 of the depth are gathered
// into scratch, zeros where they leave the input, and all rows are multiplied with them there.
//
// Arithmetic "f32": blocks of 256 of the depth; in each the products are added in ascending order with fused
// multiply-adds, from zero; the sums of the blocks are added to the bias (or zero) in ascending order. How
// pixels and rows are cut changes nothing.
#pragma once

#include "backend/kernel_call.h"
#include "graph/window.h"

namespace lathe::conv {
namespace {

constexpr std::int64_t kLanes = 16;
constexpr std::int64_t kBlock = 256;        // of the depth
constexpr std::int64_t kChunkVectors = 16;  // pixels that are gathered at once
// A row of gathered pixels; longer than a power of two, which would put all rows into a few sets of the
// cache.
constexpr std::int64_t kChunkStride = (kChunkVectors + 1) * kLanes;
constexpr std::size_t kScratchBytes = static_cast<std::size_t>(kBlock * kChunkStride) * sizeof(float);

struct Problem {
  int axes;
  WindowAxis axis[kMaxWindowAxes];
  std::int64_t items;     // groups of all images
  std::int64_t groups;    // of an image
  std::int64_t rows;      // of a group, as all below
  std::int64_t channels;  // of the input
  std::int64_t depth;
  std::int64_t pixels;
  std::int64_t input_pixels;
  const float* x;
  const float* weights;
  const float* bias;  // or null
  float* y;
};

/// Pixels that lie one behind the other in input and output alike.
[[maybe_unused]] bool is_pointwise(const Problem& problem) {
  for (int i = 0; i < problem.axes; ++i) {
    const WindowAxis& axis = problem.axis[i];
    if (axis.kernel != 1 || axis.stride != 1 || axis.pad_begin != 0 || axis.pad_end != 0) return false;
  }
  return true;
}

[[maybe_unused]] Problem problem_of(const KernelCall& call) {
  const TensorArg& x = call.inputs[0];
  const TensorArg& weights = call.inputs[1];
  Problem problem{};
  problem.axes = x.rank - 2;
  resolve_windows(
      {call.attributes[0].text, call.attributes[1].text, call.attributes[4].text, call.attributes[5].text},
      problem.axes, x.dims + 2, weights.dims + 2, false, problem.axis);
  problem.groups = call.attributes[2].integer;
  problem.items = x.dims[0] * problem.groups;
  problem.rows = weights.dims[0] / problem.groups;
  problem.channels = weights.dims[1];
  problem.depth = problem.channels;
  problem.pixels = problem.input_pixels = 1;
  for (int i = 0; i < problem.axes; ++i) {
    problem.depth *= problem.axis[i].kernel;
    problem.pixels *= problem.axis[i].output;
    problem.input_pixels *= problem.axis[i].input;
  }
  problem.x = static_cast<const float*>(x.data);
  problem.weights = static_cast<const float*>(weights.data);
  problem.bias = call.input_count > 2 ? static_cast<const float*>(call.inputs[2].data) : nullptr;
  problem.y = static_cast<float*>(call.outputs[0].data);
  if (is_pointwise(problem)) {
    problem.axes = 1;
    problem.axis[0] = {problem.pixels, 1, 1, 1, 0, 0, problem.pixels};
  }
  return problem;
}

struct Range {
  std::int64_t begin;
  std::int64_t end;
};

[[maybe_unused]] Range share(std::int64_t count, std::int64_t part, std::int64_t parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

template <class V>
void copy_pixels(float* target, const float* source, std::int64_t stride, std::int64_t count) {
  std::int64_t i = 0;
  if (stride == 1) {
    for (; i + kLanes <= count; i += kLanes) store(target + i, load(V{}, source + i));
    if (i < count)
      store_first(target + i, load_first(broadcast(V{}, 0.0f), source + i, count - i), count - i);
    return;
  }
  for (; i < count; ++i) target[i] = source[i * stride];
}

template <class V>
void clear_pixels(float* target, std::int64_t count) {
  const V zero = broadcast(V{}, 0.0f);
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(target + i, zero);
  if (i < count) store_first(target + i, zero, count - i);
}

/// What one element of the kernel sees of a channel in the windows of `pixels`.
template <class V>
void gather_row(const Problem& problem, const float* channel, const std::int64_t* kernel_index, Range pixels,
                float* target) {
  const int last = problem.axes - 1;
  const WindowAxis& axis = problem.axis[last];
  const std::int64_t shift = kernel_index[last] * axis.dilation - axis.pad_begin;
  const std::int64_t first_inside = shift >= 0 ? 0 : (-shift + axis.stride - 1) / axis.stride;
  const std::int64_t end_inside = shift >= axis.input ? 0 : (axis.input - 1 - shift) / axis.stride + 1;
  for (std::int64_t pixel = pixels.begin; pixel < pixels.end;) {
    const std::int64_t begin = pixel % axis.output;
    std::int64_t end = begin + pixels.end - pixel;
    if (end > axis.output) end = axis.output;
    std::int64_t line = pixel / axis.output;  // of the output; then where the input's begins
    std::int64_t offset = 0;
    std::int64_t elements = axis.input;
    bool inside = true;
    for (int i = last - 1; i >= 0; --i) {
      const WindowAxis& outer = problem.axis[i];
      const std::int64_t at = first_input(outer, line % outer.output) + kernel_index[i] * outer.dilation;
      inside = inside && at >= 0 && at < outer.input;
      line /= outer.output;
      offset += at * elements;
      elements *= outer.input;
    }
    std::int64_t first = first_inside > begin ? first_inside : begin;
    std::int64_t stop = end_inside < end ? end_inside : end;
    if (!inside || first >= stop) first = stop = end;
    clear_pixels<V>(target, first - begin);
    if (first < stop)
      copy_pixels<V>(target + first - begin, channel + offset + first * axis.stride + shift, axis.stride,
                     stop - first);
    clear_pixels<V>(target + stop - begin, end - stop);
    target += end - begin;
    pixel += end - begin;
  }
}

/// Windows of `pixels` for a part of the depth, each row in whole vectors, zeros at its end.
template <class V>
void gather(const Problem& problem, const float* image, Range depth, Range pixels, float* target) {
  std::int64_t kernel_index[kMaxWindowAxes];
  std::int64_t channel = depth.begin;
  for (int i = problem.axes - 1; i >= 0; --i) {
    kernel_index[i] = channel % problem.axis[i].kernel;
    channel /= problem.axis[i].kernel;
  }
  const std::int64_t count = pixels.end - pixels.begin;
  const std::int64_t whole = (count + kLanes - 1) / kLanes * kLanes;
  for (std::int64_t k = depth.begin; k < depth.end; ++k, target += kChunkStride) {
    gather_row<V>(problem, image + channel * problem.input_pixels, kernel_index, pixels, target);
    clear_pixels<V>(target + count, whole - count);
    int i = problem.axes - 1;
    for (; i >= 0 && ++kernel_index[i] == problem.axis[i].kernel; --i) kernel_index[i] = 0;
    if (i < 0) ++channel;
  }
}

/// A tile of outputs for a block of the depth.
struct Tile {
  const float* weights;  // rows that are depth_stride apart
  std::int64_t depth_stride;
  const float* windows;  // rows that are kChunkStride apart
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
  for (std::int64_t k = 0; k < tile.depth; ++k, windows += kChunkStride) {
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

/// Some rows and at most kChunkVectors vectors of pixels of an item.
template <class V, int kRows, int kVectors>
void multiply_chunk(const Problem& problem, std::int64_t item, Range rows, Range pixels, float* scratch) {
  const std::int64_t group = item % problem.groups;
  const float* image = problem.x + item * problem.channels * problem.input_pixels;
  const float* weights = problem.weights + group * problem.rows * problem.depth;
  float* y = problem.y + item * problem.rows * problem.pixels;
  const std::int64_t vectors = (pixels.end - pixels.begin + kLanes - 1) / kLanes;
  const std::int64_t panels = (vectors + kVectors - 1) / kVectors;
  for (std::int64_t k = 0; k == 0 || k < problem.depth; k += kBlock) {
    const std::int64_t end = k + kBlock < problem.depth ? k + kBlock : problem.depth;
    gather<V>(problem, image, {k, end}, pixels, scratch);
    for (std::int64_t row = rows.begin; row < rows.end; row += kRows) {
      for (std::int64_t panel = 0; panel < panels; ++panel) {
        const Range part = share(vectors, panel, panels);
        const std::int64_t first = part.begin * kLanes;
        const float* bias = problem.bias == nullptr ? nullptr : problem.bias + group * problem.rows + row;
        const Tile tile{weights + row * problem.depth + k,
                        problem.depth,
                        scratch + first,
                        end - k,
                        bias,
                        k > 0,
                        y + row * problem.pixels + pixels.begin + first,
                        problem.pixels,
                        pixels.end - pixels.begin - first};
        Tiles<V, kRows, kVectors>::find(rows.end - row, part.end - part.begin)(tile);
      }
    }
  }
}

/// Some rows and vectors of pixels of an item, in chunks of equal size.
template <class V, int kRows, int kVectors>
void multiply_part(const Problem& problem, std::int64_t item, Range rows, Range vectors, float* scratch) {
  const std::int64_t count = vectors.end - vectors.begin;
  const std::int64_t chunks = (count + kChunkVectors - 1) / kChunkVectors;
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    const Range part = share(count, chunk, chunks);
    const std::int64_t begin = (vectors.begin + part.begin) * kLanes;
    std::int64_t end = (vectors.begin + part.end) * kLanes;
    if (end > problem.pixels) end = problem.pixels;
    multiply_chunk<V, kRows, kVectors>(problem, item, rows, {begin, end}, scratch);
  }
}

/// Threads share an image's rows where it has few pixels: each then reads weights of its own alone.
[[maybe_unused]] bool shares_rows(const Problem& problem, std::int64_t tile_rows, int threads) {
  const std::int64_t tiles = problem.rows / tile_rows;
  return problem.items == 1 && tiles >= threads && problem.pixels <= problem.rows;
}

template <class V, int kRows, int kVectors>
void run(const KernelCall& call) {
  const Problem problem = problem_of(call);
  auto* scratch = static_cast<float*>(call.scratch);
  const std::int64_t vectors = (problem.pixels + kLanes - 1) / kLanes;
  if (shares_rows(problem, kRows, call.threads)) {
    const Range tiles = share((problem.rows + kRows - 1) / kRows, call.thread, call.threads);
    const std::int64_t end = tiles.end * kRows < problem.rows ? tiles.end * kRows : problem.rows;
    multiply_part<V, kRows, kVectors>(problem, 0, {tiles.begin * kRows, end}, {0, vectors}, scratch);
    return;
  }
  const Range units = share(problem.items * vectors, call.thread, call.threads);
  for (std::int64_t unit = units.begin; unit < units.end;) {
    const std::int64_t item = unit / vectors;
    const std::int64_t end = units.end < (item + 1) * vectors ? units.end : (item + 1) * vectors;
    multiply_part<V, kRows, kVectors>(problem, item, {0, problem.rows},
                                      {unit - item * vectors, end - item * vectors}, scratch);
    unit = end;
  }
}

}  // namespace
}  // namespace lathe::conv
