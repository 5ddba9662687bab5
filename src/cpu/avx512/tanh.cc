// The kernels of cpu/vector/pointwise.h, in AVX-512.
#include "cpu/vector/pointwise.h"

#include "cpu/avx512/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel tanh_kernels[] = {
    {"tanh", vector::run_tanh<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
