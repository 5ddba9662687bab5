// The kernel of cpu/vector/quantize_activation.h, in AVX2.
#include "cpu/vector/quantize_activation.h"

#include "cpu/avx2/quantize_row.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel quantize_activation_kernels[] = {
    {"quantize_activation", vector::run_quantize_activation<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
