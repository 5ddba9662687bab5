// ExpertLinear by the tiles of Linear; what it computes is in portable/expert_linear.cc.
#include "cpu/avx512bf16/bf16_multiply.h"
#include "cpu/isa_kernel.h"
#include "cpu/products.h"

namespace lathe::avx512bf16 {

extern const IsaKernel expert_linear_kernels[];
const IsaKernel expert_linear_kernels[] = {
    {"expert_linear.bf16", run_expert_linear<Bf16ProductsOf<multiply_bf16_chunk>>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512bf16
