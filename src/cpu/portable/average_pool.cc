// AveragePool and LpPool of any float type, in double. The padding counts as zeros where count_include_pad is
// 1, but not what lies behind it, where ceil_mode adds a window. AveragePool of float32 over one or two axes
// in float32: plane_pool.h.
#include <cmath>

#include "cpu/plane_pool.h"
#include "cpu/portable/float_element.h"
#include "cpu/portable/lanes.h"
#include "cpu/portable/window_walk.h"

namespace lathe::portable {
namespace {

/// Elements of an output's window inside the input and its padding.
std::int64_t padded_elements(const Windows& windows, std::int64_t pixel) {
  std::int64_t count = 1;
  for (int i = windows.axes() - 1; i >= 0; --i) {
    WindowAxis padded = windows.axis(i);
    padded.input += padded.pad_end;
    const std::int64_t out = pixel % padded.output;
    pixel /= padded.output;
    count *= last_kernel(padded, out);
  }
  return count;
}

Windows windows_of(const KernelCall& call, const WindowNumbers& kernel) {
  return {
      {call.attributes[0].text, call.attributes[2].text, call.attributes[4].text, call.attributes[5].text},
      call.inputs[0],
      kernel.values,
      call.attributes[1].integer != 0};
}

template <class Element>
void run_average(const KernelCall& call) {
  using Stored = typename Element::Stored;
  const Windows windows = windows_of(call, window_numbers(call.attributes[3].text));
  const bool with_padding = call.attributes[6].integer != 0;
  const auto* x = data_of<const Stored>(call.inputs[0]);
  auto* y = data_of<Stored>(call.outputs[0]);
  const Share share = share_of(call, element_count(call.outputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const auto* plane = x + i / windows.pixels() * windows.input_pixels();
    const std::int64_t pixel = i % windows.pixels();
    double sum = 0;
    std::int64_t count = 0;
    windows.for_each_inside(pixel, [&](std::int64_t at, std::int64_t) {
      sum += static_cast<double>(Element::load(plane[at]));
      ++count;
    });
    if (with_padding) count = padded_elements(windows, pixel);
    y[i] = Element::store(static_cast<typename Element::Number>(sum / static_cast<double>(count)));
  }
}

template <class Element>
void run_lp(const KernelCall& call) {
  using Stored = typename Element::Stored;
  const Windows windows = windows_of(call, window_numbers(call.attributes[3].text));
  const auto p = static_cast<double>(call.attributes[6].integer);
  const auto* x = data_of<const Stored>(call.inputs[0]);
  auto* y = data_of<Stored>(call.outputs[0]);
  const Share share = share_of(call, element_count(call.outputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const auto* plane = x + i / windows.pixels() * windows.input_pixels();
    double sum = 0;
    windows.for_each_inside(i % windows.pixels(), [&](std::int64_t at, std::int64_t) {
      sum += std::pow(std::fabs(static_cast<double>(Element::load(plane[at]))), p);
    });
    y[i] = Element::store(static_cast<typename Element::Number>(std::pow(sum, 1 / p)));
  }
}

template <class Element>
Kernel kernel(const char* name, std::string_view op, KernelFunction function) {
  return {.name = name, .op = op, .arithmetic = "f32", .accepts = accepts_element<Element>, .run = function};
}

bool are_planes(const NodeTypes& types) {
  const ValueType& x = types.inputs[0];
  return x.dtype == Dtype::f32 && x.ranked && x.dims.size() <= 4;
}

bool are_no_planes(const NodeTypes& types) {
  return types.inputs[0].dtype == Dtype::f32 && !are_planes(types);
}

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 8192); }

}  // namespace

std::span<const Kernel> average_pool_kernels() {
  static const Kernel kKernels[] = {
      {.name = "portable.average_pool.planes",
       .op = "AveragePool",
       .arithmetic = "f32",
       .accepts = are_planes,
       .run = plane_pool::run_average<Lanes>,
       .scratch_bytes = plane_pool::scratch_bytes,
       .serial = serial},
      {.name = "portable.average_pool.f32",
       .op = "AveragePool",
       .arithmetic = "f32",
       .accepts = are_no_planes,
       .run = run_average<F32Element>},
      kernel<F64Element>("portable.average_pool.f64", "AveragePool", run_average<F64Element>),
      kernel<F16Element>("portable.average_pool.f16", "AveragePool", run_average<F16Element>),
      kernel<Bf16Element>("portable.average_pool.bf16", "AveragePool", run_average<Bf16Element>),
      kernel<F32Element>("portable.lp_pool.f32", "LpPool", run_lp<F32Element>),
      kernel<F64Element>("portable.lp_pool.f64", "LpPool", run_lp<F64Element>),
      kernel<F16Element>("portable.lp_pool.f16", "LpPool", run_lp<F16Element>),
      kernel<Bf16Element>("portable.lp_pool.bf16", "LpPool", run_lp<Bf16Element>),
  };
  return kKernels;
}

}  // namespace lathe::portable
