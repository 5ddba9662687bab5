// ExpertLinear: x f32[T, K] or f32[T, k, K], weight [E, N, K] as packed_f32, experts i32[T, k] -> f32[T, k,
// N]. Slot (t, j) is its row times the transposed matrix of expert experts[t, j], which lies in 0 to E - 1;
// experts that nobody chose are not read. The arithmetic of Linear.
#include <span>

#include "backend/kernel.h"
#include "cpu/expert_matmul.h"
#include "cpu/portable/float_multiply.h"

namespace lathe::portable {
namespace {

std::int64_t bytes_of_row(const KernelCall& call) {
  return call.inputs[1].dims[2] * static_cast<std::int64_t>(sizeof(float));
}

void expert_linear(const KernelCall& call) {
  multiply_experts(call, {kPackedF32, bytes_of_row(call), multiply_float_chunk});
}

std::size_t scratch_bytes(const KernelCall& call) {
  return static_cast<std::size_t>(expert_scratch(expert_shape(call), bytes_of_row(call)).bytes);
}

bool accepts(const NodeTypes& types) {
  return types.inputs.size() == 3 && types.inputs[0].dtype == Dtype::f32 &&
         types.inputs[1].dtype == Dtype::packed_f32 && types.inputs[1].dims.size() == 3 &&
         types.inputs[2].dtype == Dtype::i32;
}

}  // namespace

std::span<const Kernel> expert_linear_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.expert_linear.packed_f32",
                                     .op = "ExpertLinear",
                                     .arithmetic = "f32",
                                     .accepts = accepts,
                                     .run = expert_linear,
                                     .scratch_bytes = scratch_bytes}};
  return kKernels;
}

}  // namespace lathe::portable
