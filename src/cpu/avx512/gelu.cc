// The kernels of cpu/vector/pointwise.h, in AVX-512.
#include "cpu/vector/pointwise.h"

#include "cpu/avx512/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel gelu_kernels[] = {
    {"gelu_erf", vector::run_gelu_erf<Vector>, nullptr},
    {"gelu_tanh", vector::run_gelu_tanh<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
