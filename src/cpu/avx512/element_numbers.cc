// PRelu of cpu/vector/broadcast.h, in AVX-512.
#include "cpu/vector/broadcast.h"

#include "cpu/avx512/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel element_numbers_kernels[];
const IsaKernel element_numbers_kernels[] = {
    {"prelu.f32", vector::run_prelu<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
