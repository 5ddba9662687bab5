// MaxPool of any float type and of bytes, with the indices of the greatest elements where they are wanted: of
// equal ones the first. An index counts the elements of the whole tensor; within a plane it counts along
// columns where storage_order is 1. NaN is passed over; a window that lies in the padding alone has the least
// number there is, and index -1.
#include <limits>
#include <type_traits>

#include "cpu/plane_pool.h"
#include "cpu/portable/float_element.h"
#include "cpu/portable/lanes.h"
#include "cpu/portable/window_walk.h"

namespace lathe::portable {
namespace {

template <class Integer, Dtype dtype>
struct ByteElement {
  using Stored = Integer;
  using Number = std::int32_t;
  static constexpr Dtype kDtype = dtype;
  static Number load(Stored x) { return x; }
  static Stored store(Number x) { return static_cast<Stored>(x); }
};

template <class Element>
constexpr typename Element::Number least() {
  using Number = typename Element::Number;
  if constexpr (std::is_integral_v<Number>) return std::numeric_limits<typename Element::Stored>::lowest();
  return -std::numeric_limits<Number>::infinity();
}

/// The pixel's number where columns lie one behind the other.
std::int64_t column_major(const Windows& windows, std::int64_t pixel) {
  std::int64_t coordinates[kMaxWindowAxes];
  for (int i = windows.axes() - 1; i >= 0; --i) {
    coordinates[i] = pixel % windows.axis(i).input;
    pixel /= windows.axis(i).input;
  }
  std::int64_t result = 0;
  for (int i = windows.axes() - 1; i >= 0; --i) result = result * windows.axis(i).input + coordinates[i];
  return result;
}

template <class Element>
void run(const KernelCall& call) {
  using Stored = typename Element::Stored;
  const TensorArg& output = call.outputs[0];
  const WindowNumbers kernel = window_numbers(call.attributes[3].text);
  const Windows windows(
      {call.attributes[0].text, call.attributes[2].text, call.attributes[4].text, call.attributes[5].text},
      call.inputs[0], kernel.values, call.attributes[1].integer != 0);
  const bool by_columns = call.attributes[6].integer != 0;
  const auto* x = data_of<const Stored>(call.inputs[0]);
  auto* y = data_of<Stored>(output);
  auto* indices = call.attributes[7].integer == 2 ? data_of<std::int64_t>(call.outputs[1]) : nullptr;
  const Share share = share_of(call, element_count(output));
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t plane = i / windows.pixels() * windows.input_pixels();
    auto greatest = least<Element>();
    std::int64_t where = -1;
    windows.for_each_inside(i % windows.pixels(), [&](std::int64_t at, std::int64_t) {
      const auto value = Element::load(x[plane + at]);
      if (value <= greatest && where >= 0) return;
      if (value != value) return;
      greatest = value;
      where = at;
    });
    y[i] = Element::store(greatest);
    if (indices != nullptr)
      indices[i] = where < 0 ? -1 : plane + (by_columns ? column_major(windows, where) : where);
  }
}

template <class Element>
Kernel kernel(const char* name) {
  return {.name = name,
          .op = "MaxPool",
          .arithmetic = "f32",
          .accepts = accepts_element<Element>,
          .run = run<Element>};
}

bool are_planes(const NodeTypes& types) {
  const ValueType& x = types.inputs[0];
  return x.dtype == Dtype::f32 && x.ranked && x.dims.size() <= 4 && types.outputs.size() == 1;
}

bool are_no_planes(const NodeTypes& types) {
  return types.inputs[0].dtype == Dtype::f32 && !are_planes(types);
}

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 8192); }

}  // namespace

std::span<const Kernel> max_pool_kernels() {
  static const Kernel kKernels[] = {
      {.name = "portable.max_pool.planes",
       .op = "MaxPool",
       .arithmetic = "f32",
       .accepts = are_planes,
       .run = plane_pool::run_max<Lanes>,
       .scratch_bytes = plane_pool::scratch_bytes,
       .serial = serial},
      {.name = "portable.max_pool.f32",
       .op = "MaxPool",
       .arithmetic = "f32",
       .accepts = are_no_planes,
       .run = run<F32Element>},
      kernel<F64Element>("portable.max_pool.f64"),
      kernel<F16Element>("portable.max_pool.f16"),
      kernel<Bf16Element>("portable.max_pool.bf16"),
      kernel<ByteElement<std::int8_t, Dtype::i8>>("portable.max_pool.i8"),
      kernel<ByteElement<std::uint8_t, Dtype::u8>>("portable.max_pool.u8"),
  };
  return kKernels;
}

}  // namespace lathe::portable
