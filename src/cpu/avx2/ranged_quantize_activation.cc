// The kernel of cpu/vector/ranged_quantize_activation.h, in AVX2.
#include "cpu/vector/ranged_quantize_activation.h"

#include "cpu/avx2/ranged_quantize_row.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel ranged_quantize_activation_kernels[] = {
    {"ranged_quantize_activation", vector::run_ranged_quantize_activation<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
