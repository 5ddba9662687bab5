// MaxPool and AveragePool of float32 planes [N, C, height, width] by rows: the lines of a window are joined
// into one, and its columns then. Sums are float32 in this order: down each column, then along the line.
#include <cmath>
#include <limits>

#include "cpu/portable/float_element.h"
#include "cpu/portable/window_walk.h"

namespace lathe::portable {
namespace {

struct Greatest {
  static constexpr float kStart = -std::numeric_limits<float>::infinity();
  static float join(float a, float b) { return b > a ? b : a; }
};

struct Sum {
  static constexpr float kStart = 0.0f;
  static float join(float a, float b) { return a + b; }
};

Windows windows_of(const KernelCall& call, const WindowNumbers& kernel) {
  return {
      {call.attributes[0].text, call.attributes[2].text, call.attributes[4].text, call.attributes[5].text},
      call.inputs[0],
      kernel.values,
      call.attributes[1].integer != 0};
}

/// A line of the output from that of the joined lines.
template <class Join>
void join_columns(const WindowAxis& axis, const float* line, float* y) {
  const auto column = [&](std::int64_t out, std::int64_t first, std::int64_t last) {
    float result = Join::kStart;
    const std::int64_t start = first_input(axis, out);
    for (std::int64_t k = first; k < last; ++k) result = Join::join(result, line[start + k * axis.dilation]);
    y[out] = result;
  };
  std::int64_t out = 0;
  for (; out < axis.output && first_input(axis, out) < 0; ++out)
    column(out, first_kernel(axis, out), last_kernel(axis, out));
  for (; out < axis.output && first_input(axis, out) + window_extent(axis) <= axis.input; ++out)
    column(out, 0, axis.kernel);
  for (; out < axis.output; ++out) column(out, first_kernel(axis, out), last_kernel(axis, out));
}

template <class Join>
void pool_line(const Windows& windows, const float* plane, std::int64_t out, float* line, float* y) {
  const WindowAxis& rows = windows.axis(0);
  const std::int64_t width = windows.axis(1).input;
  for (std::int64_t i = 0; i < width; ++i) line[i] = Join::kStart;
  const std::int64_t last = last_kernel(rows, out);
  for (std::int64_t k = first_kernel(rows, out); k < last; ++k) {
    const float* x = plane + (first_input(rows, out) + k * rows.dilation) * width;
    for (std::int64_t i = 0; i < width; ++i) line[i] = Join::join(line[i], x[i]);
  }
  join_columns<Join>(windows.axis(1), line, y);
}

/// Elements that an output of the axis is the mean of.
std::int64_t counted(WindowAxis axis, std::int64_t out, bool with_padding) {
  if (!with_padding) return std::max<std::int64_t>(last_kernel(axis, out) - first_kernel(axis, out), 0);
  axis.input += axis.pad_end;
  return last_kernel(axis, out);
}

template <class Join, bool is_mean>
void run(const KernelCall& call) {
  const Windows windows = windows_of(call, window_numbers(call.attributes[3].text));
  const bool with_padding = is_mean && call.attributes[6].integer != 0;
  const auto* x = data_of<const float>(call.inputs[0]);
  auto* y = data_of<float>(call.outputs[0]);
  const std::int64_t height = windows.axis(0).output;
  const std::int64_t width = windows.axis(1).output;
  const Share share = share_of(call, call.inputs[0].dims[0] * call.inputs[0].dims[1] * height);
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t out = i % height;
    float* line = y + i * width;
    pool_line<Join>(windows, x + i / height * windows.input_pixels(), out, static_cast<float*>(call.scratch),
                    line);
    if constexpr (is_mean) {
      const std::int64_t lines = counted(windows.axis(0), out, with_padding);
      for (std::int64_t column = 0; column < width; ++column)
        line[column] /= static_cast<float>(lines * counted(windows.axis(1), column, with_padding));
    }
  }
}

bool accepts(const NodeTypes& types) {
  constexpr std::size_t kPlanes = 4;
  return types.inputs[0].dtype == Dtype::f32 && types.inputs[0].ranked &&
         types.inputs[0].dims.size() == kPlanes && types.outputs.size() == 1;
}

std::size_t scratch_bytes(const KernelCall& call) {
  return static_cast<std::size_t>(call.inputs[0].dims[3]) * sizeof(float);
}

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 8192); }

Kernel kernel(const char* name, std::string_view op, KernelFunction function) {
  return {.name = name,
          .op = op,
          .arithmetic = "f32",
          .rank = 1,
          .accepts = accepts,
          .run = function,
          .scratch_bytes = scratch_bytes,
          .serial = serial};
}

}  // namespace

std::span<const Kernel> row_pool_kernels() {
  static const Kernel kKernels[] = {kernel("portable.max_pool.rows", "MaxPool", run<Greatest, false>),
                                    kernel("portable.average_pool.rows", "AveragePool", run<Sum, true>)};
  return kKernels;
}

}  // namespace lathe::portable
