// ConvPool (conv_pool.h).
#include "cpu/conv_pool.h"
#include "cpu/avx2/plane_vector.h"
#include "cpu/isa_kernel.h"
#include "cpu/vector/epilogue.h"

namespace lathe::avx2 {

extern const IsaKernel conv_pool_kernels[];
const IsaKernel conv_pool_kernels[] = {
    {"conv_pool", conv_pool::run<Vector, 6, 1, vector::EpilogueFunctions<Vector>>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
