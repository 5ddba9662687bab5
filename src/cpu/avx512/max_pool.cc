// MaxPool in float32 (plane_pool.h).
#include "cpu/avx512/plane_vector.h"
#include "cpu/isa_kernel.h"
#include "cpu/plane_pool.h"

namespace lathe::avx512 {

extern const IsaKernel max_pool_kernels[];
const IsaKernel max_pool_kernels[] = {
    {"max_pool.planes", plane_pool::run_max<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
