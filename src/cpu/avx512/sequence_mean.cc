// The kernels of cpu/vector/reduction.h, in AVX-512.
#include "cpu/vector/reduction.h"

#include "cpu/avx512/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel sequence_mean_kernels[] = {
    {"sequence_mean", vector::run_sequence_mean<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
