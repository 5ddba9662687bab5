// RotaryEmbedding: x [T, H, d], table [T, dims] (cosines, then sines) -> [T, H, d]; attribute interleaved
// (rotary_row.h). The output may be x.
#include "cpu/portable/kernel_arguments.h"
#include "cpu/portable/rotary_row.h"

namespace lathe::portable {
namespace {

void run(const KernelCall& call) {
  const auto& input = call.inputs[0];
  const std::int64_t heads = input.dims[1];
  const std::int64_t head_dim = input.dims[2];
  const std::int64_t dims = call.inputs[1].dims[1];
  const Share share = share_of(call, input.dims[0] * heads);
  for (std::int64_t row = share.begin; row < share.end; ++row)
    rotate_row(data_of<const float>(input) + row * head_dim,
               data_of<const float>(call.inputs[1]) + row / heads * dims, dims, head_dim,
               call.attributes[0].integer != 0, data_of<float>(call.outputs[0]) + row * head_dim);
}

bool serial(const KernelCall& call) { return element_count(call.inputs[0]) <= 8192; }

}  // namespace

std::span<const Kernel> rotary_embedding_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.rotary_embedding",
                                     .op = "RotaryEmbedding",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = run,
                                     .serial = serial,
                                     .in_place_input = 0}};
  return kKernels;
}

}  // namespace lathe::portable
