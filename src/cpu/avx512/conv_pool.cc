// ConvPool (conv_pool.h).
#include "cpu/conv_pool.h"
#include "cpu/avx512/plane_vector.h"
#include "cpu/isa_kernel.h"
#include "cpu/vector/epilogue.h"

namespace lathe::avx512 {

extern const IsaKernel conv_pool_kernels[];
const IsaKernel conv_pool_kernels[] = {
    {"conv_pool", conv_pool::run<Vector, 8, 3, vector::EpilogueFunctions<Vector>>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
