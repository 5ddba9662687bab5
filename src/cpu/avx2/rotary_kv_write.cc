// The kernel of cpu/vector/rotary_kv_write.h, in AVX2.
#include "cpu/vector/rotary_kv_write.h"

#include "cpu/avx2/bfloat.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel rotary_kv_write_kernels[] = {
    {"rotary_kv_write", vector::run_rotary_kv_write<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
