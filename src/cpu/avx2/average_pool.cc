// AveragePool in float32 (plane_pool.h).
#include "cpu/avx2/plane_vector.h"
#include "cpu/isa_kernel.h"
#include "cpu/plane_pool.h"

namespace lathe::avx2 {

extern const IsaKernel average_pool_kernels[];
const IsaKernel average_pool_kernels[] = {
    {"average_pool.planes", plane_pool::run_average<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
