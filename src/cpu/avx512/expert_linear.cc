// ExpertLinear by the tiles of Linear; what it computes is in portable/expert_linear.cc.
#include <cstddef>
#include <cstdint>

#include "cpu/avx512/float_multiply.h"
#include "cpu/expert_matmul.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {
namespace {

template <class Layout>
void expert_linear(const KernelCall& call) {
  multiply_experts(call, {Layout::kInfo, call.inputs[1].dims[2] * static_cast<std::int64_t>(sizeof(float)),
                          multiply_float_chunk<Layout>});
}

}  // namespace

extern const IsaKernel expert_linear_kernels[];
const IsaKernel expert_linear_kernels[] = {
    {"expert_linear.packed_f32", expert_linear<PackedF32>, nullptr},
    {"expert_linear.packed_bf16", expert_linear<PackedBf16>, nullptr},
    {"expert_linear.packed_f16", expert_linear<PackedF16>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
