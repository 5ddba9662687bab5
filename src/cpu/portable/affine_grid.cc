// AffineGrid (theta [N, axes, axes + 1], size): the places of an image's pixels between -1 and 1, the last
// axis first and a one behind them, each multiplied with its image's matrix. In double.
#include "cpu/portable/float_element.h"

namespace lathe::portable {
namespace {

double place(std::int64_t index, std::int64_t size, bool align_corners) {
  const auto i = static_cast<double>(index);
  if (!align_corners) return (2 * i + 1) / static_cast<double>(size) - 1;
  return size == 1 ? -1 : 2 * i / static_cast<double>(size - 1) - 1;
}

template <class Element>
void run(const KernelCall& call) {
  using Stored = typename Element::Stored;
  const TensorArg& output = call.outputs[0];
  const bool align_corners = call.attributes[0].integer != 0;
  const std::int64_t axes = output.dims[output.rank - 1];
  const std::int64_t pixels = row_count(output);
  auto* y = data_of<Stored>(output);
  const Share share = share_of(call, pixels);
  for (std::int64_t item = share.begin; item < share.end; ++item) {
    double places[3];
    std::int64_t rest = item;
    for (std::int64_t i = 0; i < axes; ++i) {
      const std::int64_t size = output.dims[output.rank - 2 - i];
      places[i] = place(rest % size, size, align_corners);
      rest /= size;
    }
    for (std::int64_t row = 0; row < axes; ++row) {
      const auto* theta = data_of<const Stored>(call.inputs[0]) + (rest * axes + row) * (axes + 1);
      double sum = static_cast<double>(Element::load(theta[axes]));
      for (std::int64_t i = 0; i < axes; ++i) sum += static_cast<double>(Element::load(theta[i])) * places[i];
      y[item * axes + row] = Element::store(static_cast<typename Element::Number>(sum));
    }
  }
}

template <class Element>
Kernel kernel(const char* name) {
  return {.name = name,
          .op = "AffineGrid",
          .arithmetic = "f32",
          .accepts = accepts_element<Element>,
          .run = run<Element>};
}

}  // namespace

std::span<const Kernel> affine_grid_kernels() {
  static const Kernel kKernels[] = {
      kernel<F32Element>("portable.affine_grid.f32"), kernel<F64Element>("portable.affine_grid.f64"),
      kernel<F16Element>("portable.affine_grid.f16"), kernel<Bf16Element>("portable.affine_grid.bf16")};
  return kKernels;
}

}  // namespace lathe::portable
