// ExpertSum: x f32[T, k, N], weights f32[T, k] -> f32[T, N]: per element acc = fma(weight, x, acc) from 0
// over ascending slots.
#include <cmath>

#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

void run(const KernelCall& call) {
  const std::int64_t slots = call.inputs[0].dims[1];
  const std::int64_t columns = call.inputs[0].dims[2];
  const auto* x = data_of<const float>(call.inputs[0]);
  const auto* weights = data_of<const float>(call.inputs[1]);
  auto* y = data_of<float>(call.outputs[0]);
  const Share share = share_of(call, element_count(call.outputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t row = i / columns;
    float acc = 0.0f;
    for (std::int64_t j = row * slots; j < (row + 1) * slots; ++j)
      acc = std::fma(weights[j], x[j * columns + i % columns], acc);
    y[i] = acc;
  }
}

bool serial(const KernelCall& call) { return element_count(call.inputs[0]) <= 16384; }

}  // namespace

std::span<const Kernel> expert_sum_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.expert_sum",
                                     .op = "ExpertSum",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = run,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
