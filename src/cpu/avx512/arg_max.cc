// The kernels of cpu/vector/reduction.h, in AVX-512.
#include "cpu/vector/reduction.h"

#include "cpu/avx512/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel arg_max_kernels[] = {
    {"arg_max", vector::run_arg_max<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
