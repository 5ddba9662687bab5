// PRelu of cpu/vector/broadcast.h, in AVX2.
#include "cpu/vector/broadcast.h"

#include "cpu/avx2/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel element_numbers_kernels[];
const IsaKernel element_numbers_kernels[] = {
    {"prelu.f32", vector::run_prelu<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
