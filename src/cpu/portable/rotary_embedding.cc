// RotaryEmbedding: x [T, H, d], table [T, dims] (cosines, then sines) -> [T, H, d]; attribute interleaved.
// Turns the pairs (2i, 2i + 1) if interleaved, else (i, i + dims/2); columns from dims on are copied. The
// output may be x.
#include <cmath>

#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

void run(const KernelCall& call) {
  const auto& input = call.inputs[0];
  const std::int64_t heads = input.dims[1];
  const std::int64_t head_dim = input.dims[2];
  const std::int64_t dims = call.inputs[1].dims[1];
  const std::int64_t pairs = dims / 2;
  const bool interleaved = call.attributes[0].integer != 0;
  const std::int64_t stride = interleaved ? 2 : 1;        // from pair to pair
  const std::int64_t distance = interleaved ? 1 : pairs;  // inside a pair
  const Share share = share_of(call, input.dims[0] * heads);
  for (std::int64_t row = share.begin; row < share.end; ++row) {
    const float* x = data_of<const float>(input) + row * head_dim;
    float* y = data_of<float>(call.outputs[0]) + row * head_dim;
    const float* cosines = data_of<const float>(call.inputs[1]) + row / heads * dims;
    const float* sines = cosines + pairs;
    for (std::int64_t i = 0; i < pairs; ++i) {
      const float a = x[i * stride];
      const float b = x[i * stride + distance];
      y[i * stride] = std::fma(a, cosines[i], -(b * sines[i]));
      y[i * stride + distance] = std::fma(a, sines[i], b * cosines[i]);
    }
    for (std::int64_t i = dims; i < head_dim; ++i) y[i] = x[i];
  }
}

bool serial(const KernelCall& call) { return element_count(call.inputs[0]) <= 8192; }

}  // namespace

std::span<const Kernel> rotary_embedding_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.rotary_embedding",
                                     .op = "RotaryEmbedding",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = run,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
