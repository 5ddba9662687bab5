// Gelu; attribute approximate. The output may be x.
//   0  exact: 0.5 x (1 + erf(x / sqrt(2)))
//   1  tanh form: 0.5 x (1 + tanh(u)) with u = sqrt(2/pi) (x + 0.044715 x^3)
#include "cpu/portable/kernel_arguments.h"
#include "cpu/portable/row_functions.h"

namespace lathe::portable {
namespace {

template <float (*function)(float)>
void run(const KernelCall& call) {
  const auto* x = data_of<const float>(call.inputs[0]);
  auto* y = data_of<float>(call.outputs[0]);
  const Share share = share_of(call, element_count(call.inputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) y[i] = function(x[i]);
}

template <std::int64_t approximate>
bool accepts(const NodeTypes& types) {
  return accepts_f32(types) && types.node->integer("approximate") == approximate;
}

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 1024); }

}  // namespace

std::span<const Kernel> gelu_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.gelu_erf",
                                     .op = "Gelu",
                                     .arithmetic = "f32",
                                     .accepts = accepts<0>,
                                     .run = run<gelu_erf_f32>,
                                     .serial = serial,
                                     .in_place_input = 0},
                                    {.name = "portable.gelu_tanh",
                                     .op = "Gelu",
                                     .arithmetic = "f32",
                                     .accepts = accepts<1>,
                                     .run = run<gelu_tanh_f32>,
                                     .serial = serial,
                                     .in_place_input = 0}};
  return kKernels;
}

}  // namespace lathe::portable
