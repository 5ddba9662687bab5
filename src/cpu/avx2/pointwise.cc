// The kernels of cpu/vector/pointwise.h, in AVX2.
#include "cpu/vector/pointwise.h"

#include "cpu/avx2/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel pointwise_kernels[] = {
    {"add", vector::run_add<Vector>, nullptr},
    {"mul", vector::run_mul<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
