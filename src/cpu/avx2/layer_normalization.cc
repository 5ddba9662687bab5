// The kernels of cpu/vector/normalization.h, in AVX2.
#include "cpu/vector/normalization.h"

#include "cpu/avx2/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel layer_normalization_kernels[] = {
    {"layer_normalization", vector::run_layer_normalization<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
