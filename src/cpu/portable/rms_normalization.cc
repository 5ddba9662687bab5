// RMSNormalization: x [..., D], scale [D] -> [..., D]; attribute epsilon. The output may be x.
// y = (x * r) * scale with r = 1 / sqrt(mean(x^2) + epsilon); the squares are summed in 16 lanes, columns i,
// i + 16, ...
#include <cmath>

#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

float sum_of_squares(const float* x, std::int64_t columns) {
  float lanes[16] = {};
  for (std::int64_t i = 0; i < columns; ++i) lanes[i % 16] = std::fma(x[i], x[i], lanes[i % 16]);
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

void run(const KernelCall& call) {
  const std::int64_t columns = column_count(call.inputs[0]);
  const auto* scale = data_of<const float>(call.inputs[1]);
  const auto epsilon = static_cast<float>(call.attributes[0].real);
  const Share share = share_of(call, row_count(call.inputs[0]));
  for (std::int64_t row = share.begin; row < share.end; ++row) {
    const float* x = data_of<const float>(call.inputs[0]) + row * columns;
    float* y = data_of<float>(call.outputs[0]) + row * columns;
    const float mean = sum_of_squares(x, columns) / static_cast<float>(columns);
    const float r = 1.0f / std::sqrt(mean + epsilon);
    for (std::int64_t i = 0; i < columns; ++i) y[i] = (x[i] * r) * scale[i];
  }
}

bool serial(const KernelCall& call) { return element_count(call.inputs[0]) <= 8192; }

}  // namespace

std::span<const Kernel> rms_normalization_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.rms_normalization",
                                     .op = "RMSNormalization",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = run,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
