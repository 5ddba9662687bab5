// Windows of codes, gathered for ConvCodes' products P of an instruction set. Plain data and functions of
// internal linkage, so that ISA files may include it.
//
//   [vector of 16 pixels][depth / P::kStep][16 pixels][P::kStep codes]      64 bytes for each step
//
// Depth runs over channels and then the kernel. Rows of the depth are copied first, x's zero point where they
// leave the input, and then interleaved.
#pragma once

#include "cpu/code_epilogue.h"
#include "cpu/conv_windows.h"

namespace lathe::conv_codes {
namespace {

using conv::Place;
using conv::place_of;
using conv::Range;
using conv::share;

constexpr int kLeast = 6;  // the attribute
constexpr std::int64_t kLanes = 16;
constexpr std::int64_t kStepBytes = 64;
constexpr std::int64_t kChunkVectors = 16;         // pixels that are gathered at once, at most
constexpr std::int64_t kWindowBytes = 288 * 1024;  // of scratch, where the depth lets them be more than one
constexpr std::int64_t kSlack = 64;                // what gathering a line may write behind it
constexpr std::int64_t kRowBytes = kChunkVectors * kLanes + kSlack;
constexpr std::int64_t kBatch = 16;  // rows of the depth that are gathered before they are interleaved

struct Problem : conv::Windows {
  const std::uint8_t* x;
  const std::int8_t* weights;
  bool is_signed;     // x
  std::uint8_t zero;  // a code of x
  std::int32_t unsigned_zero;
  bool is_pointwise;  // pixels lie one behind the other in input and output alike
  bool is_shifted;
};

[[maybe_unused]] Problem problem_of(const KernelCall& call) {
  const TensorArg& x = call.inputs[code_product::kX];
  const TensorArg& weights = call.inputs[code_product::kWeight];
  Problem problem{};
  static_cast<conv::Windows&>(problem) = conv::windows_of(x, weights, call.attributes);
  problem.is_pointwise = conv::is_pointwise(problem);
  problem.is_shifted = conv::is_shifted(problem);
  problem.x = static_cast<const std::uint8_t*>(x.data);
  problem.weights = static_cast<const std::int8_t*>(weights.data);
  problem.is_signed = x.dtype == codes::kI8;
  return problem;
}

/// Where parts of a thread's scratch begin, and its size.
struct Scratch {
  std::int64_t vectors;       // of a chunk
  std::int64_t vector_bytes;  // of windows
  std::int64_t rows;          // of codes that are gathered before they are interleaved
  std::int64_t starts;        // i32[rows]: what a row's sums begin with
  std::int64_t bytes;
};

[[maybe_unused]] Scratch scratch_of(const Problem& problem, std::int64_t step) {
  Scratch scratch{};
  const std::int64_t steps = (problem.depth + step - 1) / step;
  scratch.vector_bytes = steps * kStepBytes;
  const std::int64_t fit = steps == 0 ? kChunkVectors : kWindowBytes / scratch.vector_bytes;
  scratch.vectors = fit < 1 ? 1 : fit < kChunkVectors ? fit : kChunkVectors;
  scratch.rows = scratch.vectors * scratch.vector_bytes;
  scratch.starts = scratch.rows + kBatch * kRowBytes;
  scratch.bytes = scratch.starts + problem.rows * static_cast<std::int64_t>(sizeof(std::int32_t));
  return scratch;
}

/// What one element of the kernel sees of a channel in `count` windows from `place` on, zero points where it
/// leaves the input. May write kSlack bytes more.
template <class P>
void gather_row(const Problem& problem, const std::uint8_t* channel, const std::int64_t* kernel_index,
                Place place, std::int64_t count, std::uint8_t* target) {
  const int last = problem.axes - 1;
  const WindowAxis& axis = problem.axis[last];
  const std::int64_t shift = kernel_index[last] * axis.dilation - axis.pad_begin;
  const std::int64_t first_inside = shift >= 0 ? 0 : (-shift + axis.stride - 1) / axis.stride;
  const std::int64_t end_inside = shift >= axis.input ? 0 : (axis.input - 1 - shift) / axis.stride + 1;
  while (count > 0) {
    const std::int64_t begin = place.index[last];
    const std::int64_t length = count < axis.output - begin ? count : axis.output - begin;
    std::int64_t offset = 0;  // of the input's line
    bool inside = true;
    for (int i = 0; i < last; ++i) {
      const WindowAxis& outer = problem.axis[i];
      const std::int64_t at = first_input(outer, place.index[i]) + kernel_index[i] * outer.dilation;
      inside = inside && at >= 0 && at < outer.input;
      offset = offset * outer.input + at;
    }
    const std::int64_t first = inside ? first_inside - begin : length;
    const std::int64_t stop = inside ? end_inside - begin : length;
    P::copy_line(target, channel + offset * axis.input + begin * axis.stride + shift, axis.stride, first,
                 stop, length, problem.zero);
    target += length;
    count -= length;
    place.index[last] = 0;
    for (int i = last - 1; i >= 0 && ++place.index[i] == problem.axis[i].output; --i) place.index[i] = 0;
  }
}

/// The same where is_shifted, for the pixels from `begin` on: all lines at once, and then the columns that
/// leave the input.
template <class P>
void gather_shifted(const Problem& problem, const std::uint8_t* channel, const std::int64_t* kernel_index,
                    std::int64_t begin, std::int64_t column, std::int64_t count, std::uint8_t* target) {
  const conv::Shifted seen = conv::shifted(problem, kernel_index);
  const bool none = seen.pixels.begin >= seen.pixels.end;
  P::copy_line(target, channel + begin + seen.shift, 1, none ? count : seen.pixels.begin - begin,
               none ? count : seen.pixels.end - begin, count, problem.zero);
  conv::clear_columns(problem, seen.columns, column, count, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t i = from; i < to; ++i) target[i] = problem.zero;
  });
}

/// Windows of `pixels`, a batch of rows at a time: what was stored is only read when it has reached the
/// cache.
template <class P>
void gather(const Problem& problem, const Scratch& scratch, const std::uint8_t* image, Range pixels,
            std::byte* target, std::uint8_t* rows) {
  const std::int64_t count = pixels.end - pixels.begin;
  const Place place = place_of(problem, pixels.begin);
  std::int64_t kernel_index[kMaxWindowAxes] = {};
  const std::uint8_t* channel = image;
  for (std::int64_t batch = 0; batch < problem.depth; batch += kBatch) {
    const std::uint8_t* sources[kBatch];
    const std::int64_t batch_end = problem.depth - batch < kBatch ? problem.depth - batch : kBatch;
    for (std::int64_t k = 0; k < kBatch; ++k) {
      if (k >= batch_end) {
        sources[k] = sources[0];  // their weights are zero
        continue;
      }
      if (problem.is_pointwise) {
        sources[k] = image + (batch + k) * problem.input_pixels + pixels.begin;
        continue;
      }
      std::uint8_t* row = rows + k * kRowBytes;
      if (problem.is_shifted)
        gather_shifted<P>(problem, channel, kernel_index, pixels.begin, place.index[problem.axes - 1], count,
                          row);
      else
        gather_row<P>(problem, channel, kernel_index, place, count, row);
      sources[k] = row;
      int i = problem.axes - 1;
      for (; i >= 0 && ++kernel_index[i] == problem.axis[i].kernel; --i) kernel_index[i] = 0;
      if (i < 0) channel += problem.input_pixels;
    }
    for (std::int64_t k = 0; k < batch_end; k += P::kStep, target += kStepBytes)
      for (std::int64_t pixel = 0; pixel < count; pixel += kLanes)
        P::interleave(target + pixel / kLanes * scratch.vector_bytes, sources + k, pixel,
                      count - pixel < kLanes ? count - pixel : kLanes, problem.is_signed,
                      problem.unsigned_zero);
  }
}

}  // namespace
}  // namespace lathe::conv_codes
