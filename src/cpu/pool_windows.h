// The windows of pooling over one or two axes, in numbers, whatever its elements are. Plain data and
// functions of internal linkage, so that ISA files may include it.
#pragma once

#include "backend/kernel_call.h"
#include "graph/window.h"

namespace lathe::pool {
namespace {

struct Windows {
  std::int64_t planes;
  WindowAxis lines;  // of length 1 where there is one axis
  WindowAxis columns;
};

/// Of MaxPool and AveragePool, whose first attributes are the same.
[[maybe_unused]] Windows windows_of(const KernelCall& call) {
  const TensorArg& x = call.inputs[0];
  const int axes = x.rank - 2;
  const WindowNumbers kernel = window_numbers(call.attributes[3].text);
  WindowAxis axis[kMaxWindowAxes];
  resolve_windows(
      {call.attributes[0].text, call.attributes[2].text, call.attributes[4].text, call.attributes[5].text},
      axes, x.dims + 2, kernel.values, call.attributes[1].integer != 0, axis);
  return {x.dims[0] * x.dims[1], axes == 2 ? axis[0] : WindowAxis{1, 1, 1, 1, 0, 0, 1}, axis[axes - 1]};
}

}  // namespace
}  // namespace lathe::pool
