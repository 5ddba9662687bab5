// The kernels of cpu/vector/softmax.h, in AVX2.
#include "cpu/vector/softmax.h"

#include "cpu/avx2/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel softmax_kernels[];
const IsaKernel softmax_kernels[] = {
    {"log_softmax", vector::run_log_softmax<Vector>, nullptr},
    {"softmax", vector::run_softmax<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
