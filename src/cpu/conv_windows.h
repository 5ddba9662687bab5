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

struct Range {
  std::int64_t begin;
  std::int64_t end;
};

[[maybe_unused]] Range share(std::int64_t count, std::int64_t part, std::int64_t parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

}  // namespace
}  // namespace lathe::conv
