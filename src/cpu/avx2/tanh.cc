// The kernels of cpu/vector/pointwise.h, in AVX2.
#include "cpu/vector/pointwise.h"

#include "cpu/avx2/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel tanh_kernels[] = {
    {"tanh", vector::run_tanh<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
