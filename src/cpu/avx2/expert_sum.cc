// The kernels of cpu/vector/experts.h, in AVX2.
#include "cpu/vector/experts.h"

#include "cpu/avx2/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel expert_sum_kernels[] = {
    {"expert_sum", vector::run_expert_sum<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
