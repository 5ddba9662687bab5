// LRN in float32 with the power 0.75 (vector/local_response_normalization.h).
#include "cpu/vector/local_response_normalization.h"

#include "cpu/avx2/plane_vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel local_response_normalization_kernels[];
const IsaKernel local_response_normalization_kernels[] = {
    {"lrn.roots", vector::run_lrn_roots<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
