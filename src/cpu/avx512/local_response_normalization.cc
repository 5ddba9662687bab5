// LRN in float32 with the power 0.75 (vector/local_response_normalization.h).
#include "cpu/vector/local_response_normalization.h"

#include "cpu/avx512/plane_vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel local_response_normalization_kernels[];
const IsaKernel local_response_normalization_kernels[] = {
    {"lrn.roots", vector::run_lrn_roots<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
