// ExpertLinear by the tiles of Linear; what it computes is in portable/expert_linear.cc.
#include "cpu/avx512/float_products.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel expert_linear_kernels[];
const IsaKernel expert_linear_kernels[] = {
    {"expert_linear.packed_*", run_expert_linear<FloatProducts>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
