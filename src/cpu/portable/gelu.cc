// Gelu, tanh form: 0.5 x (1 + tanh(u)) = x / (1 + exp(-2u)) with u = sqrt(2/pi) (x + 0.044715 x^3). The
// output may be x.
#include <cmath>

#include "cpu/portable/exp_f32.h"
#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

float gelu(float x) {
  const float minus_two_u = (-1.5957691216f * x) * std::fma(0.044715f, x * x, 1.0f);
  return x / (1.0f + exp_f32(minus_two_u));
}

void run(const KernelCall& call) {
  const auto* x = data_of<const float>(call.inputs[0]);
  auto* y = data_of<float>(call.outputs[0]);
  const Share share = share_of(call, element_count(call.inputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) y[i] = gelu(x[i]);
}

bool serial(const KernelCall& call) { return element_count(call.inputs[0]) <= 4096; }

}  // namespace

std::span<const Kernel> gelu_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.gelu",
                                     .op = "Gelu",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = run,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
