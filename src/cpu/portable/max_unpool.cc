// MaxUnpool (x, indices, output shape): zeros, and each element of x where its index says. Indices count in
// the shape that the pooling's input had, which lies at the first corner of an output that is given a larger
// one.
#include <algorithm>

#include "cpu/portable/float_element.h"
#include "graph/window.h"

namespace lathe::portable {
namespace {

/// Where an element of the unpooled shape lies in the output.
std::int64_t place(const TensorArg& output, const std::int64_t* unpooled, std::int64_t index) {
  std::int64_t result = 0;
  std::int64_t elements = 1;
  for (int axis = output.rank - 1; axis >= 0; --axis) {
    result += index % unpooled[axis] * elements;
    index /= unpooled[axis];
    elements *= output.dims[axis];
  }
  return result;
}

template <class Element>
void run(const KernelCall& call) {
  if (call.thread != 0) return;  // indices may repeat: the last one counts
  using Stored = typename Element::Stored;
  const TensorArg& x = call.inputs[0];
  const TensorArg& output = call.outputs[0];
  const WindowNumbers kernel = window_numbers(call.attributes[0].text);
  const WindowNumbers pads = window_numbers(call.attributes[1].text);
  const WindowNumbers strides = window_numbers(call.attributes[2].text);
  std::int64_t unpooled[kMaxRank] = {x.dims[0], x.dims[1]};
  std::int64_t elements = x.dims[0] * x.dims[1];
  for (int i = 0; i < kernel.count; ++i) {
    unpooled[2 + i] = (x.dims[2 + i] - 1) * number_at(strides, i, 1) + kernel.values[i] -
                      number_at(pads, i, 0) - number_at(pads, i + kernel.count, 0);
    elements *= unpooled[2 + i];
  }
  auto* y = data_of<Stored>(output);
  std::fill_n(y, element_count(output), Element::store(0));
  const auto* indices = data_of<const std::int64_t>(call.inputs[1]);
  const std::int64_t count = element_count(x);
  for (std::int64_t i = 0; i < count; ++i) {
    if (indices[i] >= 0 && indices[i] < elements)
      y[place(output, unpooled, indices[i])] = data_of<const Stored>(x)[i];
    else if (call.fault != nullptr)
      *call.fault = 1;
  }
}

template <class Element>
Kernel kernel(const char* name) {
  return {.name = name,
          .op = "MaxUnpool",
          .arithmetic = "f32",
          .accepts = accepts_element<Element>,
          .run = run<Element>,
          .serial = [](const KernelCall&) { return true; }};
}

}  // namespace

std::span<const Kernel> max_unpool_kernels() {
  static const Kernel kKernels[] = {
      kernel<F32Element>("portable.max_unpool.f32"), kernel<F64Element>("portable.max_unpool.f64"),
      kernel<F16Element>("portable.max_unpool.f16"), kernel<Bf16Element>("portable.max_unpool.bf16")};
  return kKernels;
}

}  // namespace lathe::portable
