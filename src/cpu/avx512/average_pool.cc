// AveragePool in float32 (plane_pool.h).
#include "cpu/avx512/plane_vector.h"
#include "cpu/isa_kernel.h"
#include "cpu/plane_pool.h"

namespace lathe::avx512 {

extern const IsaKernel average_pool_kernels[];
const IsaKernel average_pool_kernels[] = {
    {"average_pool.planes", plane_pool::run_average<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
