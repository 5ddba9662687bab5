// Tanh. The output may be x.
#include "cpu/portable/kernel_arguments.h"
#include "cpu/portable/tanh_f32.h"

namespace lathe::portable {
namespace {

void run(const KernelCall& call) {
  const auto* x = data_of<const float>(call.inputs[0]);
  auto* y = data_of<float>(call.outputs[0]);
  const Share share = share_of(call, element_count(call.inputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) y[i] = tanh_f32(x[i]);
}

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 1024); }

}  // namespace

std::span<const Kernel> tanh_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.tanh",
                                     .op = "Tanh",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = run,
                                     .serial = serial,
                                     .in_place_input = 0}};
  return kKernels;
}

}  // namespace lathe::portable
