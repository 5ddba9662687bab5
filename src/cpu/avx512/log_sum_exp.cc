// The kernels of cpu/vector/reduction.h, in AVX-512.
#include "cpu/vector/reduction.h"

#include "cpu/avx512/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel log_sum_exp_kernels[] = {
    {"log_sum_exp", vector::run_log_sum_exp<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
