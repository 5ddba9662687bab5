// ExpertLinear by the tiles of Linear; what it computes is in portable/expert_linear.cc.
#include "cpu/avx2/float_products.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel expert_linear_kernels[];
const IsaKernel expert_linear_kernels[] = {
    {"expert_linear.packed_*", run_expert_linear<FloatProducts>, nullptr},
    {"expert_linear.bf16", run_expert_linear<Bf16Products>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
