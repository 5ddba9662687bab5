// The kernels of cpu/vector/normalization.h, in AVX2.
#include "cpu/vector/normalization.h"

#include "cpu/avx2/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel lp_normalization_kernels[] = {
    {"lp_normalization", vector::run_lp_normalization<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
