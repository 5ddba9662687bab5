// The kernels of cpu/vector/rotary.h, in AVX2.
#include "cpu/vector/rotary.h"

#include "cpu/avx2/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel rotary_embedding_kernels[] = {
    {"rotary_embedding", vector::run_rotary_embedding<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
