// Convolutions with rows of weights in lanes (lane_rows.h), over a vector type V of 16 floats and the size of
// its register tile. Plain data and functions of internal linkage, so that ISA files may include it.
//
// An area of outputs, some lines of an image or a part of one, reads its inputs where they lie, or out of a
// copy with zeros around it where windows leave the image. Weights are packed panel by panel and block by
// block of the depth. The arithmetic is conv.h's.
#pragma once

#include "cpu/conv_gather.h"
#include "cpu/lane_rows.h"

namespace lathe::conv {
namespace {

constexpr std::int64_t kAreaPixels = 256;      // of an area, at most
constexpr std::int64_t kCopyFloats = 1 << 18;  // of the inputs of an area
constexpr std::int64_t kPanelFloats = kBlock * kPanelRows;
constexpr std::int64_t kSumFloats = kAreaPixels * kPanelRows;
constexpr std::size_t kLaneScratchBytes =
    static_cast<std::size_t>(kCopyFloats + kPanelFloats + kSumFloats) * sizeof(float);

struct Area {
  Range lines;
  Range columns;
};

/// The axes as two: of one axis, the lines are a single one.
struct Plane2 {
  WindowAxis lines;
  WindowAxis columns;
};

[[maybe_unused]] Plane2 plane2_of(const Windows& windows) {
  if (windows.axes == 1) return {{1, 1, 1, 1, 0, 0, 1}, windows.axis[0]};
  return {windows.axis[0], windows.axis[1]};
}

/// Inputs that outputs `range` of an axis read: they may begin and end outside.
[[maybe_unused]] Range inputs_of(const WindowAxis& axis, Range range) {
  return {first_input(axis, range.begin), first_input(axis, range.end - 1) + window_extent(axis)};
}

[[maybe_unused]] std::int64_t length_of(Range range) { return range.end - range.begin; }

/// Lines of outputs that an area has, where it has whole ones; else 1.
[[maybe_unused]] std::int64_t area_lines(const Windows& windows, const Plane2& plane) {
  const std::int64_t width = length_of(inputs_of(plane.columns, {0, plane.columns.output}));
  const auto floats = [&](std::int64_t lines) {
    return windows.channels * width * length_of(inputs_of(plane.lines, {0, lines}));
  };
  std::int64_t lines = 1;
  while (lines < plane.lines.output && (lines + 1) * plane.columns.output <= kAreaPixels &&
         floats(lines + 1) <= kCopyFloats)
    ++lines;
  return lines;
}

/// Enough rows and depth for the packing of weights and the transposition of outputs not to matter.
[[maybe_unused]] bool fits_lanes(const Windows& windows) {
  constexpr std::int64_t kLeastRows = 32;
  constexpr std::int64_t kLeastDepth = 16;
  const std::int64_t idle = (kLanes - windows.rows % kLanes) % kLanes;
  if (windows.rows < kLeastRows || 8 * idle > windows.rows || windows.depth < kLeastDepth) return false;
  if (windows.axes > 2 || windows.pixels == 0) return false;
  const Plane2 plane = plane2_of(windows);
  const std::int64_t columns = plane.columns.output < kAreaPixels ? plane.columns.output : kAreaPixels;
  const std::int64_t copy = windows.channels * length_of(inputs_of(plane.lines, {0, 1})) *
                            length_of(inputs_of(plane.columns, {0, columns}));
  return plane.columns.stride <= 2 && copy <= kCopyFloats;
}

/// Where an area reads its inputs.
struct AreaInputs {
  const float* x;        // of its first output
  std::int64_t channel;  // from a channel to the next
  std::int64_t line;     // from a line to the next
};

/// In place, or a copy with zeros around it.
template <class V>
AreaInputs inputs_of(const Problem& problem, const Plane2& plane, const float* image, const Area& area,
                     float* copy) {
  const Range lines = inputs_of(plane.lines, area.lines);
  const Range columns = inputs_of(plane.columns, area.columns);
  const std::int64_t width = plane.columns.input;
  if (lines.begin >= 0 && lines.end <= plane.lines.input && columns.begin >= 0 && columns.end <= width)
    return {image + lines.begin * width + columns.begin, problem.input_pixels, width};
  const std::int64_t length = length_of(columns);
  const std::int64_t begin = columns.begin < 0 ? 0 : columns.begin;
  const std::int64_t end = columns.end < width ? columns.end : width;
  const std::int64_t inside = end < begin ? 0 : end - begin;
  const std::int64_t before = inside == 0 ? length : begin - columns.begin;
  float* target = copy;
  for (std::int64_t c = 0; c < problem.channels; ++c, image += problem.input_pixels)
    for (std::int64_t line = lines.begin; line < lines.end; ++line, target += length) {
      if (line < 0 || line >= plane.lines.input) {
        clear_pixels<V>(target, length);
        continue;
      }
      clear_pixels<V>(target, before);
      copy_pixels<V>(target + before, image + line * width + begin, 1, inside);
      clear_pixels<V>(target + before + inside, length - before - inside);
    }
  return {copy, length * length_of(lines), length};
}

/// Where an output finds what elements `depth` see, from its first input on.
[[maybe_unused]] void find_offsets(const Plane2& plane, const AreaInputs& inputs, Range depth,
                                   std::int64_t* offsets) {
  std::int64_t column = depth.begin % plane.columns.kernel;
  std::int64_t line = depth.begin / plane.columns.kernel % plane.lines.kernel;
  std::int64_t channel = depth.begin / (plane.columns.kernel * plane.lines.kernel);
  for (std::int64_t k = depth.begin; k < depth.end; ++k) {
    *offsets++ = channel * inputs.channel + line * plane.lines.dilation * inputs.line +
                 column * plane.columns.dilation;
    if (++column < plane.columns.kernel) continue;
    column = 0;
    if (++line < plane.lines.kernel) continue;
    line = 0;
    ++channel;
  }
}

/// Sums of an area begin with the bias, or zero.
template <class V>
void start_sums(const Problem& problem, std::int64_t group, Range rows, std::int64_t pixels, float* sums) {
  const std::int64_t vectors = (length_of(rows) + kLanes - 1) / kLanes;
  for (std::int64_t v = 0; v < vectors; ++v) {
    const std::int64_t row = rows.begin + v * kLanes;
    const std::int64_t count = rows.end - row < kLanes ? rows.end - row : kLanes;
    V start = broadcast(V{}, 0.0f);
    if (problem.bias != nullptr) start = load_first(start, problem.bias + group * problem.rows + row, count);
    for (std::int64_t p = 0; p < pixels; ++p) store(sums + (p * vectors + v) * kLanes, start);
  }
}

/// Weights that are packed after those at hand: rows of the tensor.
struct NextWeights {
  const float* weights;
  std::int64_t rows;
};

/// Adds what a block of the depth gives, line by line in tiles of nearly equal size.
template <class V, int kVectors, int kPixels, int kStride>
void multiply_area(const Plane2& plane, const Area& area, const AreaInputs& inputs, std::int64_t vectors,
                   std::int64_t stride, const NextWeights& next, LaneTile tile) {
  const std::int64_t columns = length_of(area.columns);
  const std::int64_t tiles = (columns + kPixels - 1) / kPixels;
  const std::int64_t rows_at_once = (tile.depth + kLanes - 1) / kLanes;
  std::int64_t fetched = 0;
  for (std::int64_t line = 0; line < length_of(area.lines); ++line)
    for (std::int64_t i = 0; i < tiles; ++i) {
      const Range part = share(columns, i, tiles);
      const bool fetches = fetched + rows_at_once <= next.rows;
      tile.ahead = fetches ? next.weights + fetched * stride : tile.weights;
      tile.ahead_stride = fetches ? stride : 0;
      fetched += rows_at_once;
      tile.x = inputs.x + line * plane.lines.stride * inputs.line + part.begin * kStride;
      LaneTiles<V, kVectors, kPixels, kStride>::find(vectors, length_of(part))(tile);
      tile.sums += length_of(part) * vectors * kLanes;
    }
}

/// Some rows of an area.
template <class V, int kVectors, int kPixels, class Functions>
void convolve_area(const Problem& problem, const Plane2& plane, std::int64_t item, Range rows,
                   const Area& area, float* scratch) {
  const std::int64_t group = item % problem.groups;
  float* panel = scratch;
  float* sums = panel + kPanelFloats;
  const AreaInputs inputs = inputs_of<V>(
      problem, plane, problem.x + item * problem.channels * problem.input_pixels, area, sums + kSumFloats);
  const std::int64_t pixels = length_of(area.lines) * length_of(area.columns);
  const std::int64_t all = (length_of(rows) + kLanes - 1) / kLanes;
  const std::int64_t panels = (all + kVectors - 1) / kVectors;
  for (std::int64_t i = 0; i < panels; ++i) {
    const Range part = share(all, i, panels);
    const std::int64_t vectors = length_of(part);
    const std::int64_t last = rows.begin + part.end * kLanes;
    const Range own = {rows.begin + part.begin * kLanes, last < rows.end ? last : rows.end};
    const auto rows_of = [&own](std::int64_t v) {
      const std::int64_t rest = length_of(own) - v * kLanes;
      return rest < kLanes ? rest : kLanes;
    };
    start_sums<V>(problem, group, own, pixels, sums);
    for (std::int64_t k = 0; k < problem.depth; k += kBlock) {
      const std::int64_t depth = problem.depth - k < kBlock ? problem.depth - k : kBlock;
      const float* weights = problem.weights + (group * problem.rows + own.begin) * problem.depth + k;
      for (std::int64_t v = 0; v < vectors; ++v)
        interleave_rows<V>(weights + v * kLanes * problem.depth, problem.depth, rows_of(v), depth,
                           panel + v * kLanes, vectors * kLanes);
      std::int64_t offsets[kBlock];
      find_offsets(plane, inputs, {k, k + depth}, offsets);
      const bool same_rows = k + kBlock < problem.depth;
      const std::int64_t following = rows.end - own.end < kPanelRows ? rows.end - own.end : kPanelRows;
      const NextWeights next = {same_rows ? weights + kBlock : weights - k + length_of(own) * problem.depth,
                                same_rows ? length_of(own) : following};
      const LaneTile tile{panel, nullptr, offsets, depth, sums, nullptr, 0};
      if (plane.columns.stride == 1)
        multiply_area<V, kVectors, kPixels, 1>(plane, area, inputs, vectors, problem.depth, next, tile);
      else
        multiply_area<V, kVectors, kPixels, 2>(plane, area, inputs, vectors, problem.depth, next, tile);
    }
    const std::int64_t first = area.lines.begin * plane.columns.output + area.columns.begin;
    for (std::int64_t v = 0; v < vectors; ++v) {
      const std::int64_t offset = (item * problem.rows + own.begin + v * kLanes) * problem.pixels + first;
      separate_rows<V>(sums + v * kLanes, vectors * kLanes, pixels, problem.y + offset, problem.pixels,
                       rows_of(v));
      if (problem.epilogue.program.count == 0) continue;
      for (std::int64_t r = 0; r < rows_of(v); ++r)
        run_epilogue<Functions>(problem.epilogue, problem.y + offset + r * problem.pixels,
                                offset + r * problem.pixels, pixels);
    }
  }
}

/// Some rows and lines, or a part of one line, of an item, in areas of nearly equal size.
template <class V, int kVectors, int kPixels, class Functions>
void convolve_areas(const Problem& problem, const Plane2& plane, std::int64_t item, Range rows,
                    const Area& whole, float* scratch) {
  const std::int64_t together = area_lines(problem, plane);
  const std::int64_t down = (length_of(whole.lines) + together - 1) / together;
  const std::int64_t across = (length_of(whole.columns) + kAreaPixels - 1) / kAreaPixels;
  for (std::int64_t i = 0; i < down; ++i)
    for (std::int64_t j = 0; j < across; ++j) {
      const Range lines = share(length_of(whole.lines), i, down);
      const Range columns = share(length_of(whole.columns), j, across);
      convolve_area<V, kVectors, kPixels, Functions>(
          problem, plane, item, rows,
          {{whole.lines.begin + lines.begin, whole.lines.begin + lines.end},
           {whole.columns.begin + columns.begin, whole.columns.begin + columns.end}},
          scratch);
    }
}

/// Threads share rows where these have more vectors than pixels have tiles; else lines, or the pixels of one.
template <class V, int kVectors, int kPixels, class Functions>
void run_lanes(const KernelCall& call, const Problem& problem) {
  auto* scratch = static_cast<float*>(call.scratch);
  const Plane2 plane = plane2_of(problem);
  const Area whole = {{0, plane.lines.output}, {0, plane.columns.output}};
  const std::int64_t vectors = (problem.rows + kLanes - 1) / kLanes;
  if (problem.items == 1 && problem.pixels <= problem.rows && vectors >= call.threads) {
    const Range part = share(vectors, call.thread, call.threads);
    const std::int64_t end = part.end * kLanes < problem.rows ? part.end * kLanes : problem.rows;
    return convolve_areas<V, kVectors, kPixels, Functions>(problem, plane, 0, {part.begin * kLanes, end},
                                                           whole, scratch);
  }
  const bool one_line = plane.lines.output == 1;
  const std::int64_t units = one_line ? (problem.pixels + kPixels - 1) / kPixels : plane.lines.output;
  const Range own = share(problem.items * units, call.thread, call.threads);
  for (std::int64_t unit = own.begin; unit < own.end;) {
    const std::int64_t item = unit / units;
    const std::int64_t next = own.end < (item + 1) * units ? own.end : (item + 1) * units;
    Area area = whole;
    const Range part = {unit - item * units, next - item * units};
    if (one_line) {
      const std::int64_t end = part.end * kPixels;
      area.columns = {part.begin * kPixels, end < problem.pixels ? end : problem.pixels};
    } else {
      area.lines = part;
    }
    convolve_areas<V, kVectors, kPixels, Functions>(problem, plane, item, {0, problem.rows}, area, scratch);
    unit = next;
  }
}

}  // namespace
}  // namespace lathe::conv
