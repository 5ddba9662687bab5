// The kernels of cpu/vector/reduction.h, in AVX2.
#include "cpu/vector/reduction.h"

#include "cpu/avx2/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel log_sum_exp_kernels[] = {
    {"log_sum_exp", vector::run_log_sum_exp<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
