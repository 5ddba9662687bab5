// The kernels of cpu/vector/broadcast.h but PRelu, in AVX-512.
#include "cpu/vector/broadcast.h"

#include "cpu/avx512/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel broadcast_kernels[];
const IsaKernel broadcast_kernels[] = {
    {"add_broadcast", vector::run_add_broadcast<Vector>, nullptr},
    {"div", vector::run_div<Vector>, nullptr},
    {"mul_broadcast", vector::run_mul_broadcast<Vector>, nullptr},
    {"sub", vector::run_sub<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
