// The kernel of cpu/vector/ranged_quantize_activation.h, in AVX-512.
#include "cpu/vector/ranged_quantize_activation.h"

#include "cpu/avx512/ranged_quantize_row.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel ranged_quantize_activation_kernels[] = {
    {"ranged_quantize_activation", vector::run_ranged_quantize_activation<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
