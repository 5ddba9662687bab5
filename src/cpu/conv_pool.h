// The driver of ConvPool: a convolution of conv.h whose outputs are pooled (plane_pool.h, plane_mean.h)
// before they leave the cache, with the arithmetic of both and so the bits of both one after the other. Over
// a vector type V of 16 floats. Plain data and functions of internal linkage, so that ISA files may include
// it.
//
// Three ways to cut the work, by the sizes of one image alone:
//   planes    of depthwise convolutions: one whole plane at a time
//   channels  of small images, and for the mean of whole ones: some channels' whole planes at a time; threads
//             have channels of their own
//   bands     of large images: all channels' lines for some lines of the result; threads have lines of their
//             own. Lines that the next band reads too stay where they are computed; those at the border of
//             two threads are computed by both.
// Scratch of each thread: what the convolution gathers, then what pooling needs, then the outputs between.
#pragma once

#include "cpu/conv.h"
#include "cpu/plane_mean.h"
#include "cpu/plane_pool.h"

namespace lathe::conv_pool {
namespace {

using conv::Problem;
using conv::Range;

constexpr int kKindAttribute = conv::kPrologueAttribute + 1;
constexpr int kPoolAttributes = kKindAttribute + 1;  // those of AveragePool
constexpr int kEpilogueAttribute = kPoolAttributes + 7;
constexpr std::int64_t kBlockRows = conv::kLanes;  // channels: a multiple of these
constexpr std::int64_t kBlockNumbers = 1 << 16;    // that channels' planes have together, where so few do
constexpr std::int64_t kBandPixels = conv::kChunkVectors * conv::kLanes;  // new ones of a band, about

enum class Cut : std::uint8_t { planes, channels, bands };

struct Work {
  Problem conv;
  std::int64_t width;  // of the convolution's outputs
  TensorArg between;   // these, without data
  KernelCall pooling;  // of them
  plane_pool::Pool pool;
  conv::Epilogue after;  // of what is pooled
  Cut cut;
  bool in_lanes;            // of lane_conv.h
  std::int64_t block;       // rows of weights, or lines of the result, that are done at once
  std::int64_t band_lines;  // of the convolution that are kept for them
};

[[maybe_unused]] bool is_mean(const KernelCall& call) {
  return window_text_equal(call.attributes[kKindAttribute].text, "mean");
}

/// Everything that follows from the call; `work` must stay where it is.
[[maybe_unused]] void prepare(const KernelCall& call, Work& work) {
  work.conv = conv::problem_of<true>(call);
  const conv::Windows windows = conv::windows_of(call.inputs[0], call.inputs[1], call.attributes);
  const std::int64_t height = windows.axis[0].output;
  work.width = windows.axis[1].output;
  work.between = {nullptr,
                  {call.inputs[0].dims[0], windows.rows * windows.groups, height, work.width},
                  4,
                  call.inputs[0].dtype};
  work.pooling = call;
  work.pooling.inputs = &work.between;
  work.pooling.attributes = call.attributes + kPoolAttributes;
  if (is_mean(call))
    work.pool = {{work.between.dims[0] * work.between.dims[1],
                  {height, height, 1, 1, 0, 0, 1},
                  {work.width, work.width, 1, 1, 0, 0, 1}},
                 0,
                 0,
                 nullptr,
                 static_cast<float*>(call.outputs[0].data)};
  else
    work.pool = plane_pool::pool_of(work.pooling);
  work.after = {conv_epilogue(call.attributes[kEpilogueAttribute].text), 0, 0, call.inputs};
  const Problem& problem = work.conv;
  const WindowAxis& lines = work.pool.lines;
  work.band_lines = height;
  work.in_lanes = problem.factors == nullptr && conv::fits_lanes(problem);
  if (conv::fits_depthwise(problem)) {
    work.cut = Cut::planes;
    work.block = 1;
  } else if (is_mean(call) || problem.pixels <= problem.rows) {
    work.cut = Cut::channels;
    const std::int64_t fit =
        kBlockNumbers / (problem.pixels > 0 ? problem.pixels : 1) / kBlockRows * kBlockRows;
    const std::int64_t all = (problem.rows + kBlockRows - 1) / kBlockRows * kBlockRows;
    work.block = fit < kBlockRows ? kBlockRows : fit < all ? fit : all;
  } else {
    work.cut = Cut::bands;
    const std::int64_t fit = kBandPixels / (lines.stride * work.width);
    work.block = fit < 1 || lines.stride > window_extent(lines) ? 1 : fit;
    const std::int64_t needed = (work.block - 1) * lines.stride + window_extent(lines);
    if (needed < height) work.band_lines = needed;
  }
}

constexpr std::size_t kConvNumbers =
    (conv::kScratchBytes < conv::kLaneScratchBytes ? conv::kLaneScratchBytes : conv::kScratchBytes) /
    sizeof(float);

/// Numbers that pooling needs, in whole vectors.
[[maybe_unused]] std::int64_t line_numbers(const KernelCall& call, const Work& work) {
  if (is_mean(call)) return 0;
  return (plane_pool::scratch_floats(work.pool) + conv::kLanes - 1) / conv::kLanes * conv::kLanes;
}

[[maybe_unused]] std::size_t scratch_bytes(const KernelCall& call) {
  Work work;
  prepare(call, work);
  const std::int64_t planes = work.cut == Cut::bands ? work.conv.rows : work.block;
  const std::int64_t between = planes * work.band_lines * work.width;
  return (kConvNumbers + static_cast<std::size_t>(line_numbers(call, work) + between)) * sizeof(float);
}

/// Some rows of an item as a problem of their own, whose outputs go to y. Its operands are copied.
struct Part {
  Part(const Problem& whole, std::int64_t item, Range rows, float* y) : problem(whole) {
    const std::int64_t group = item % whole.groups;
    const std::int64_t first = group * whole.rows + rows.begin;
    problem.items = problem.groups = 1;
    problem.rows = rows.end - rows.begin;
    problem.x += item * whole.channels * whole.input_pixels;
    problem.weights += first * whole.depth;
    if (whole.bias != nullptr) problem.bias += first;
    if (whole.factors != nullptr) {
      problem.factors += group * whole.channels;
      problem.offsets += group * whole.channels;
    }
    problem.y = y;
    for (int i = 0; i < whole.epilogue.program.operands; ++i) {
      operands[i] = whole.epilogue.operands[i];
      std::int64_t count = 1;
      for (int axis = 0; axis < operands[i].rank; ++axis) count *= operands[i].dims[axis];
      if (count > 1)
        operands[i].data =
            static_cast<float*>(operands[i].data) + (item * whole.rows + rows.begin) * whole.pixels;
    }
    problem.epilogue.operands = operands;
  }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  /// `count` lines of the outputs from `first` on alone.
  void take_lines(std::int64_t first, std::int64_t count, std::int64_t width) {
    problem.pixels = count * width;
    WindowAxis& axis = problem.axis[0];
    if (problem.axes == 1) {  // pixels of a pointwise convolution
      problem.x += first * width;
      axis.input = axis.output = problem.pixels;
    } else {
      axis.pad_begin -= first * axis.stride;
      axis.output = count;
    }
  }

  Problem problem;
  TensorArg operands[kMaxEpilogueSteps];
};

/// All rows of some pixels, whole lines where the image has lines.
template <class V, int kRows, int kVectors, class Functions>
void convolve(const Work& work, const Problem& problem, Range pixels, float* scratch) {
  const Range rows = {0, problem.rows};
  if (work.in_lanes) {
    const conv::Plane2 plane = conv::plane2_of(problem);
    const std::int64_t width = plane.columns.output;
    const conv::Area lines = {{pixels.begin / width, pixels.end / width}, {0, width}};
    const conv::Area line = {{0, 1}, pixels};
    if (pixels.begin < pixels.end)
      conv::convolve_areas<V, kVectors, kRows, Functions>(problem, plane, 0, rows,
                                                          plane.lines.output == 1 ? line : lines, scratch);
    return;
  }
  const std::int64_t vectors = (pixels.end - pixels.begin + conv::kLanes - 1) / conv::kLanes;
  const std::int64_t chunks = (vectors + conv::kChunkVectors - 1) / conv::kChunkVectors;
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    const Range part = conv::share(vectors, chunk, chunks);
    const std::int64_t begin = pixels.begin + part.begin * conv::kLanes;
    const std::int64_t end = pixels.begin + part.end * conv::kLanes;
    conv::multiply_chunk<V, kRows, kVectors, Functions>(
        problem, 0, rows, {begin, end < pixels.end ? end : pixels.end}, scratch);
  }
}

/// GlobalAveragePool as rows of outputs: one row of one.
struct MeanRows {
  MeanRows(const plane_pool::Pool& whole, const KernelCall&, float*)
      : pixels(whole.lines.input * whole.columns.input) {}

  template <class Place>
  void run(const WindowAxis&, std::int64_t count, Place place) const {
    for (std::int64_t i = 0; i < count; ++i) {
      const plane_pool::RowPlace at = place(i);
      *at.y = plane_mean(at.plane, pixels);
    }
  }

  std::int64_t pixels;
};

/// Pools whole planes that lie one behind the other; the first one's number is `first`.
template <class Functions, class Rows>
void pool_planes(const Work& work, Rows& rows, const float* planes, std::int64_t first, std::int64_t count) {
  const WindowAxis& lines = work.pool.lines;
  const std::int64_t width = work.pool.columns.output;
  float* y = work.pool.y + first * lines.output * width;
  const std::int64_t pixels = work.conv.pixels;
  rows.run(lines, count * lines.output, [planes, pixels, width, y, &lines](std::int64_t i) {
    const std::int64_t out = i % lines.output;
    return plane_pool::RowPlace{planes + i / lines.output * pixels, out, out, y + i * width};
  });
  conv::run_epilogue<Functions>(work.after, y, 0, count * lines.output * width);
}

template <class V, class Functions, class Rows>
void run_planes(const KernelCall& call, const Work& work, Rows& rows, float* scratch, float* between) {
  const conv::Plane plane = conv::plane_of(work.conv);
  const conv::TapOffsets taps = conv::tap_offsets(plane);
  const Range items = conv::share(work.conv.items, call.thread, call.threads);
  for (std::int64_t item = items.begin; item < items.end; ++item) {
    const Part part(work.conv, item, {0, 1}, between);
    if (conv::is_pointwise(part.problem))
      conv::scale_plane<V, Functions>(part.problem, 0);
    else
      conv::convolve_plane<V, Functions>(part.problem, plane, taps, 0, scratch);
    pool_planes<Functions>(work, rows, between, item, 1);
  }
}

template <class V, int kRows, int kVectors, class Functions, class Rows>
void run_channels(const KernelCall& call, const Work& work, Rows& rows, float* scratch, float* between) {
  const Problem& problem = work.conv;
  const std::int64_t tiles = (problem.rows + kBlockRows - 1) / kBlockRows;  // of an item
  const Range share = conv::share(problem.items * tiles, call.thread, call.threads);
  for (std::int64_t tile = share.begin; tile < share.end;) {
    const std::int64_t item = tile / tiles;
    const std::int64_t first = tile - item * tiles;
    std::int64_t last = first + work.block / kBlockRows;
    if (last > tiles) last = tiles;
    if (last > share.end - item * tiles) last = share.end - item * tiles;
    const std::int64_t end = last * kBlockRows < problem.rows ? last * kBlockRows : problem.rows;
    const Part part(problem, item, {first * kBlockRows, end}, between);
    convolve<V, kRows, kVectors, Functions>(work, part.problem, {0, problem.pixels}, scratch);
    pool_planes<Functions>(work, rows, between, item * problem.rows + first * kBlockRows, part.problem.rows);
    tile = item * tiles + last;
  }
}

/// Lines [begin, end) of the convolution that lines [first, last) of the result read, at least none.
[[maybe_unused]] Range lines_read(const WindowAxis& lines, std::int64_t first, std::int64_t last) {
  const auto inside = [&lines](std::int64_t line) {
    return line < 0 ? 0 : line < lines.input ? line : lines.input;
  };
  const Range read{inside(first_input(lines, first)),
                   inside(first_input(lines, last - 1) + window_extent(lines))};
  return {read.begin, read.end < read.begin ? read.begin : read.end};
}

template <class V, int kRows, int kVectors, class Functions, class Rows>
void run_bands(const KernelCall& call, const Work& work, Rows& rows, float* scratch, float* between) {
  const WindowAxis& lines = work.pool.lines;
  const std::int64_t width = work.width;
  const std::int64_t plane = work.band_lines * width;  // from one channel to the next
  const std::int64_t out_width = work.pool.columns.output;
  const Range share = conv::share(work.conv.items * lines.output, call.thread, call.threads);
  Range held{0, 0};  // lines of the item that are there
  for (std::int64_t unit = share.begin; unit < share.end;) {
    const std::int64_t item = unit / lines.output;
    const std::int64_t first = unit - item * lines.output;
    if (first == 0) held = {0, 0};
    std::int64_t last = first + work.block < lines.output ? first + work.block : lines.output;
    if (last > share.end - item * lines.output) last = share.end - item * lines.output;
    const Range read = lines_read(lines, first, last);
    const std::int64_t kept = held.end > read.begin ? (held.end - read.begin) * width : 0;
    if (kept > 0 && read.begin > held.begin)
      for (std::int64_t row = 0; row < work.conv.rows; ++row)
        __builtin_memmove(between + row * plane, between + row * plane + (read.begin - held.begin) * width,
                          static_cast<std::size_t>(kept) * sizeof(float));
    Part part(work.conv, item, {0, work.conv.rows}, between);
    part.take_lines(read.begin, work.band_lines, width);
    convolve<V, kRows, kVectors, Functions>(work, part.problem, {kept, (read.end - read.begin) * width},
                                            scratch);
    held = read;
    WindowAxis band = lines;
    band.input = read.end - read.begin;
    band.output = last - first;
    band.pad_begin += read.begin - first * lines.stride;
    float* y = work.pool.y + (item * work.conv.rows * lines.output + first) * out_width;
    const std::int64_t out_plane = lines.output * out_width;
    rows.run(band, work.conv.rows * band.output, [=](std::int64_t i) {
      const std::int64_t row = i / band.output;
      const std::int64_t line = i - row * band.output;
      return plane_pool::RowPlace{between + row * plane, line, first + line,
                                  y + row * out_plane + line * out_width};
    });
    for (std::int64_t row = 0; row < work.conv.rows; ++row)
      conv::run_epilogue<Functions>(work.after, y + row * out_plane, 0, band.output * out_width);
    unit = item * lines.output + last;
  }
}

template <class V, int kRows, int kVectors, class Functions, class Rows>
void run_with(const KernelCall& call, const Work& work) {
  auto* scratch = static_cast<float*>(call.scratch);
  float* lines = scratch + kConvNumbers;
  float* between = lines + line_numbers(call, work);
  Rows rows(work.pool, work.pooling, lines);
  if (work.cut == Cut::planes) return run_planes<V, Functions>(call, work, rows, scratch, between);
  if (work.cut == Cut::channels)
    return run_channels<V, kRows, kVectors, Functions>(call, work, rows, scratch, between);
  run_bands<V, kRows, kVectors, Functions>(call, work, rows, scratch, between);
}

template <class V, int kRows, int kVectors, class Functions>
void run(const KernelCall& call) {
  Work work;
  prepare(call, work);
  if (is_mean(call)) return run_with<V, kRows, kVectors, Functions, MeanRows>(call, work);
  if (window_text_equal(call.attributes[kKindAttribute].text, "max"))
    return run_with<V, kRows, kVectors, Functions, plane_pool::MaxRows<V>>(call, work);
  run_with<V, kRows, kVectors, Functions, plane_pool::AverageRows<V>>(call, work);
}

}  // namespace
}  // namespace lathe::conv_pool
