// Linear: chunks of tokens times groups of rows (float_multiply.h).
#include "cpu/avx2/float_products.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel linear_kernels[];
const IsaKernel linear_kernels[] = {
    {"linear.packed_*", run_linear<FloatProducts>, nullptr},
    {"linear.bf16", run_linear<Bf16Products>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
