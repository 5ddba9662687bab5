// RMSNormalization: x [..., D], scale [D] -> [..., D]; attribute epsilon. The output may be x.
// y = (x * r) * scale with r = 1 / sqrt(mean(x^2) + epsilon); the squares are summed in 64 lanes, columns i,
// i + 64, ...
#include "cpu/portable/kernel_arguments.h"
#include "cpu/portable/row_functions.h"

namespace lathe::portable {
namespace {

void run(const KernelCall& call) {
  const std::int64_t columns = column_count(call.inputs[0]);
  const auto* scale = data_of<const float>(call.inputs[1]);
  const auto epsilon = static_cast<float>(call.attributes[0].real);
  const Share share = share_of(call, row_count(call.inputs[0]));
  for (std::int64_t row = share.begin; row < share.end; ++row)
    rms_normalize_row(data_of<const float>(call.inputs[0]) + row * columns, scale, epsilon,
                      data_of<float>(call.outputs[0]) + row * columns, columns);
}

bool serial(const KernelCall& call) { return has_few_rows(call.inputs[0], 1024); }

}  // namespace

std::span<const Kernel> rms_normalization_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.rms_normalization",
                                     .op = "RMSNormalization",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = run,
                                     .serial = serial,
                                     .in_place_input = 0}};
  return kKernels;
}

}  // namespace lathe::portable
