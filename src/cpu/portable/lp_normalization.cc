// LpNormalization with p = 2: x [..., D] -> [..., D]. The output may be x.
// y = x / max(sqrt(sum of x^2), 1e-12); the squares are summed in 64 lanes, columns i, i + 64, ...
#include <cmath>

#include "cpu/portable/kernel_arguments.h"
#include "cpu/portable/row_functions.h"

namespace lathe::portable {
namespace {

constexpr float kLeastNorm = 1e-12f;

float norm_of(const float* x, std::int64_t columns) {
  const float norm = std::sqrt(sum_of_squares(x, columns));
  return norm < kLeastNorm ? kLeastNorm : norm;
}

void run(const KernelCall& call) {
  const std::int64_t columns = column_count(call.inputs[0]);
  const Share share = share_of(call, row_count(call.inputs[0]));
  for (std::int64_t row = share.begin; row < share.end; ++row) {
    const float* x = data_of<const float>(call.inputs[0]) + row * columns;
    float* y = data_of<float>(call.outputs[0]) + row * columns;
    const float norm = norm_of(x, columns);
    for (std::int64_t i = 0; i < columns; ++i) y[i] = x[i] / norm;
  }
}

bool serial(const KernelCall& call) { return has_few_rows(call.inputs[0], 1024); }

}  // namespace

std::span<const Kernel> lp_normalization_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.lp_normalization",
                                     .op = "LpNormalization",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = run,
                                     .serial = serial,
                                     .in_place_input = 0}};
  return kKernels;
}

}  // namespace lathe::portable
