// LayerNormalization: x [..., D], scale [D], optional bias [D] -> [..., D]; attribute epsilon. The output may
// be x.
// y = ((x - mean) * r) * scale (+ bias) with r = 1 / sqrt(variance + epsilon); the sums of x and of
// (x - mean)^2 are taken in 16 lanes, columns i, i + 16, ...
#include <cmath>

#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

float tree_sum(float* lanes) {
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

float mean_of(const float* x, std::int64_t columns) {
  float lanes[16] = {};
  for (std::int64_t i = 0; i < columns; ++i) lanes[i % 16] += x[i];
  return tree_sum(lanes) / static_cast<float>(columns);
}

float variance_of(const float* x, float mean, std::int64_t columns) {
  float lanes[16] = {};
  for (std::int64_t i = 0; i < columns; ++i) {
    const float difference = x[i] - mean;
    lanes[i % 16] = std::fma(difference, difference, lanes[i % 16]);
  }
  return tree_sum(lanes) / static_cast<float>(columns);
}

void run(const KernelCall& call) {
  const std::int64_t columns = column_count(call.inputs[0]);
  const auto* scale = data_of<const float>(call.inputs[1]);
  const auto* bias = call.input_count > 2 ? data_of<const float>(call.inputs[2]) : nullptr;
  const auto epsilon = static_cast<float>(call.attributes[0].real);
  const Share share = share_of(call, row_count(call.inputs[0]));
  for (std::int64_t row = share.begin; row < share.end; ++row) {
    const float* x = data_of<const float>(call.inputs[0]) + row * columns;
    float* y = data_of<float>(call.outputs[0]) + row * columns;
    const float mean = mean_of(x, columns);
    const float r = 1.0f / std::sqrt(variance_of(x, mean, columns) + epsilon);
    for (std::int64_t i = 0; i < columns; ++i) {
      const float scaled = ((x[i] - mean) * r) * scale[i];
      y[i] = bias == nullptr ? scaled : scaled + bias[i];
    }
  }
}

bool serial(const KernelCall& call) { return element_count(call.inputs[0]) <= 8192; }

}  // namespace

std::span<const Kernel> layer_normalization_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.layer_normalization",
                                     .op = "LayerNormalization",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = run,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
