// The windows of a convolution, in numbers, whatever its elements are. Plain data and functions of internal
// linkage, so that ISA files may include it.
#pragma once

#include "backend/kernel_call.h"
#include "graph/window.h"

namespace lathe::conv {
namespace {

struct Windows {
  int axes;
  WindowAxis axis[kMaxWindowAxes];
  std::int64_t items;     // groups of all images
  std::int64_t groups;    // of an image
  std::int64_t rows;      // of a group, as all below
  std::int64_t channels;  // of the input
  std::int64_t depth;
  std::int64_t pixels;
  std::int64_t input_pixels;
};

/// `attributes`: those of Conv come first.
[[maybe_unused]] Windows windows_of(const TensorArg& x, const TensorArg& weights,
                                    const AttributeValue* attributes) {
  Windows windows{};
  windows.axes = x.rank - 2;
  resolve_windows({attributes[0].text, attributes[1].text, attributes[4].text, attributes[5].text},
                  windows.axes, x.dims + 2, weights.dims + 2, false, windows.axis);
  windows.groups = attributes[2].integer;
  windows.items = x.dims[0] * windows.groups;
  windows.rows = weights.dims[0] / windows.groups;
  windows.channels = weights.dims[1];
  windows.depth = windows.channels;
  windows.pixels = windows.input_pixels = 1;
  for (int i = 0; i < windows.axes; ++i) {
    windows.depth *= windows.axis[i].kernel;
    windows.pixels *= windows.axis[i].output;
    windows.input_pixels *= windows.axis[i].input;
  }
  return windows;
}

/// Pixels that lie one behind the other in input and output alike.
[[maybe_unused]] bool is_pointwise(const Windows& windows) {
  for (int i = 0; i < windows.axes; ++i) {
    const WindowAxis& axis = windows.axis[i];
    if (axis.kernel != 1 || axis.stride != 1 || axis.pad_begin != 0 || axis.pad_end != 0) return false;
  }
  return true;
}

/// Where lines of input and output lie one behind the other, of one length: then an element of the kernel
/// sees its channel moved, but for columns that leave the input.
[[maybe_unused]] bool is_shifted(const Windows& windows) {
  const WindowAxis& last = windows.axis[windows.axes - 1];
  return windows.axes <= 2 && windows.axis[0].stride == 1 && last.stride == 1 && last.output == last.input;
}

/// A place among the output's pixels.
struct Place {
  std::int64_t index[kMaxWindowAxes];
};

[[maybe_unused]] Place place_of(const Windows& windows, std::int64_t pixel) {
  Place place{};
  for (int i = windows.axes - 1; i >= 0; --i) {
    place.index[i] = pixel % windows.axis[i].output;
    pixel /= windows.axis[i].output;
  }
  return place;
}

struct Range {
  std::int64_t begin;
  std::int64_t end;
};

[[maybe_unused]] std::int64_t held(std::int64_t number, std::int64_t most) {
  return number < 0 ? 0 : number < most ? number : most;
}

/// What an element of the kernel sees of its channel in the windows of all pixels, where is_shifted: that of
/// pixel i is number i + shift, for pixels inside and columns inside.
struct Shifted {
  std::int64_t shift;
  Range pixels;
  Range columns;
};

[[maybe_unused]] Shifted shifted(const Windows& windows, const std::int64_t* kernel_index) {
  const auto shift_of = [&](int i) {
    return kernel_index[i] * windows.axis[i].dilation - windows.axis[i].pad_begin;
  };
  const int last = windows.axes - 1;
  const std::int64_t width = windows.axis[last].input;
  const std::int64_t lines = windows.pixels / width;
  const std::int64_t shift = shift_of(last);
  const std::int64_t line_shift = last == 0 ? 0 : shift_of(0);
  const Range inside{held(-line_shift, lines), held(windows.input_pixels / width - line_shift, lines)};
  const Range columns{held(-shift, width), held(width - shift, width)};
  if (inside.begin >= inside.end || columns.begin >= columns.end) return {0, {0, 0}, {0, 0}};
  return {line_shift * width + shift,
          {inside.begin * width + columns.begin, (inside.end - 1) * width + columns.end},
          columns};
}

/// Calls clear(begin, end) for the parts of the windows of `count` pixels, the first of which lies in
/// `column`, whose columns are not inside.
template <class Clear>
void clear_columns(const Windows& windows, Range inside, std::int64_t column, std::int64_t count,
                   Clear clear) {
  const std::int64_t width = windows.axis[windows.axes - 1].input;
  for (std::int64_t line = -column; line < count; line += width) {
    clear(held(line, count), held(line + inside.begin, count));
    clear(held(line + inside.end, count), held(line + width, count));
  }
}

[[maybe_unused]] Range share(std::int64_t count, std::int64_t part, std::int64_t parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

}  // namespace
}  // namespace lathe::conv
