// Linear: chunks of tokens times groups of rows (float_multiply.h).
#include "cpu/avx512/float_products.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel linear_kernels[];
const IsaKernel linear_kernels[] = {
    {"linear.packed_*", run_linear<FloatProducts>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
