// ExpertLinear by the tiles of Linear; what it computes is in portable/expert_linear.cc.
#include <cstddef>
#include <cstdint>

#include "cpu/avx512bf16/bf16_multiply.h"
#include "cpu/expert_matmul.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512bf16 {
namespace {

void expert_linear(const KernelCall& call) {
  multiply_experts(call, {kPackedBf16, call.inputs[1].dims[2] * 2, multiply_bf16_chunk});
}

}  // namespace

extern const IsaKernel expert_linear_kernels[];
const IsaKernel expert_linear_kernels[] = {{"expert_linear.bf16", expert_linear, nullptr},
                                           {nullptr, nullptr, nullptr}};

}  // namespace lathe::avx512bf16
