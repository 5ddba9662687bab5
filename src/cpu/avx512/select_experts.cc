// The kernels of cpu/vector/experts.h, in AVX-512.
#include "cpu/vector/experts.h"

#include "cpu/avx512/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel select_experts_kernels[] = {
    {"select_experts", vector::run_select_experts<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
