// ExpertLinear by the tiles of Linear; what it computes is in portable/expert_linear.cc.
#include <cstddef>
#include <cstdint>

#include "cpu/avx2/float_multiply.h"
#include "cpu/expert_matmul.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {
namespace {

template <class Layout>
void expert_linear(const KernelCall& call) {
  multiply_experts(
      call, {Layout::kInfo, call.inputs[1].dims[2] * Layout::kActivationBytes, multiply_float_chunk<Layout>});
}

}  // namespace

extern const IsaKernel expert_linear_kernels[];
const IsaKernel expert_linear_kernels[] = {
    {"expert_linear.packed_f32", expert_linear<PackedF32>, nullptr},
    {"expert_linear.packed_bf16", expert_linear<PackedBf16>, nullptr},
    {"expert_linear.packed_f16", expert_linear<PackedF16>, nullptr},
    {"expert_linear.bf16", expert_linear<Bf16Products>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
