// The kernel of cpu/vector/paged_attention.h, in AVX2.
#include "cpu/vector/paged_attention.h"

#include "cpu/avx2/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel paged_attention_kernels[] = {
    {"paged_attention", vector::run_paged_attention<Vector>, vector::attention_scratch_bytes},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
