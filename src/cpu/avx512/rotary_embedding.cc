// The kernels of cpu/vector/rotary.h, in AVX-512.
#include "cpu/vector/rotary.h"

#include "cpu/avx512/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel rotary_embedding_kernels[] = {
    {"rotary_embedding", vector::run_rotary_embedding<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
