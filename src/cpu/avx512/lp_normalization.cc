// The kernels of cpu/vector/normalization.h, in AVX-512.
#include "cpu/vector/normalization.h"

#include "cpu/avx512/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel lp_normalization_kernels[] = {
    {"lp_normalization", vector::run_lp_normalization<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
