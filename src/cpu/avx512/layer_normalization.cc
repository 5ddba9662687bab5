// The kernels of cpu/vector/normalization.h, in AVX-512.
#include "cpu/vector/normalization.h"

#include "cpu/avx512/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel layer_normalization_kernels[] = {
    {"layer_normalization", vector::run_layer_normalization<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
