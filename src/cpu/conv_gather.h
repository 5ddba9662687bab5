// The windows of a convolution as rows of numbers: row k has what element k of the depth sees of the input
// for neighbouring pixels of the output, zeros where windows leave the input. Over a vector type V of 16
// floats.
#pragma once

#include "cpu/conv_problem.h"

namespace lathe::conv {
namespace {

constexpr std::int64_t kBlock = 256;        // of the depth
constexpr std::int64_t kChunkVectors = 16;  // pixels that are gathered at once
// A row of gathered pixels; longer than a power of two, which would put all rows into a few sets of the
// cache.
constexpr std::int64_t kChunkStride = (kChunkVectors + 1) * kLanes;
constexpr std::size_t kScratchBytes = static_cast<std::size_t>(kBlock * kChunkStride) * sizeof(float);

template <class V>
void copy_pixels(float* target, const float* source, std::int64_t stride, std::int64_t count) {
  std::int64_t i = 0;
  if (stride == 1) {
    for (; i + kLanes <= count; i += kLanes) store(target + i, load(V{}, source + i));
    if (i < count)
      store_first(target + i, load_first(broadcast(V{}, 0.0f), source + i, count - i), count - i);
    return;
  }
  if (stride == 2) {  // the last number of two vectors need not be there
    for (; i + kLanes < count; i += kLanes)
      store(target + i, even_lanes(load(V{}, source + 2 * i), load(V{}, source + 2 * i + kLanes)));
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

/// What one element of the kernel sees of a channel in `count` windows from `place` on.
template <class V>
void gather_row(const Problem& problem, const float* channel, const std::int64_t* kernel_index, Place place,
                std::int64_t count, float* target) {
  const int last = problem.axes - 1;
  const WindowAxis& axis = problem.axis[last];
  const std::int64_t shift = kernel_index[last] * axis.dilation - axis.pad_begin;
  const std::int64_t first_inside = shift >= 0 ? 0 : (-shift + axis.stride - 1) / axis.stride;
  const std::int64_t end_inside = shift >= axis.input ? 0 : (axis.input - 1 - shift) / axis.stride + 1;
  while (count > 0) {
    const std::int64_t begin = place.index[last];
    const std::int64_t end = begin + count < axis.output ? begin + count : axis.output;
    std::int64_t offset = 0;  // of the input's line
    bool inside = true;
    for (int i = 0; i < last; ++i) {
      const WindowAxis& outer = problem.axis[i];
      const std::int64_t at = first_input(outer, place.index[i]) + kernel_index[i] * outer.dilation;
      inside = inside && at >= 0 && at < outer.input;
      offset = offset * outer.input + at;
    }
    std::int64_t first = first_inside > begin ? first_inside : begin;
    std::int64_t stop = end_inside < end ? end_inside : end;
    if (!inside || first >= stop) first = stop = end;
    clear_pixels<V>(target, first - begin);
    if (first < stop)
      copy_pixels<V>(target + first - begin, channel + offset * axis.input + first * axis.stride + shift,
                     axis.stride, stop - first);
    clear_pixels<V>(target + stop - begin, end - stop);
    target += end - begin;
    count -= end - begin;
    place.index[last] = 0;
    for (int i = last - 1; i >= 0 && ++place.index[i] == problem.axis[i].output; --i) place.index[i] = 0;
  }
}

/// The same where is_shifted, for the windows from pixel `begin` in `column` on.
template <class V>
void gather_shifted(const Problem& problem, const float* channel, const std::int64_t* kernel_index,
                    std::int64_t begin, std::int64_t column, std::int64_t count, float* target) {
  const Shifted seen = shifted(problem, kernel_index);
  const std::int64_t first = held(seen.pixels.begin - begin, count);
  const std::int64_t stop = held(seen.pixels.end - begin, count);
  if (first >= stop) return clear_pixels<V>(target, count);
  clear_pixels<V>(target, first);
  copy_pixels<V>(target + first, channel + begin + seen.shift + first, 1, stop - first);
  clear_pixels<V>(target + stop, count - stop);
  clear_columns(problem, seen.columns, column, count, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t i = from; i < to; ++i) target[i] = 0.0f;
  });
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
  const Place place = place_of(problem, pixels.begin);
  const bool moved = is_shifted(problem);
  for (std::int64_t k = depth.begin; k < depth.end; ++k, target += kChunkStride) {
    const float* plane = image + channel * problem.input_pixels;
    if (moved)
      gather_shifted<V>(problem, plane, kernel_index, pixels.begin, place.index[problem.axes - 1], count,
                        target);
    else
      gather_row<V>(problem, plane, kernel_index, place, count, target);
    clear_pixels<V>(target + count, whole - count);
    int i = problem.axes - 1;
    for (; i >= 0 && ++kernel_index[i] == problem.axis[i].kernel; --i) kernel_index[i] = 0;
    if (i < 0) ++channel;
  }
}

}  // namespace
}  // namespace lathe::conv
