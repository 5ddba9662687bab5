// The kernel of cpu/vector/mat_mul.h, in AVX2.
#include "cpu/vector/mat_mul.h"

#include "cpu/avx2/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel mat_mul_kernels[] = {
    {"mat_mul", vector::run_mat_mul<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
