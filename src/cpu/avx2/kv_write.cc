// The kernels of cpu/vector/kv_write.h, in AVX2.
#include "cpu/vector/kv_write.h"

#include "cpu/avx2/bfloat.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel kv_write_kernels[] = {
    {"kv_write", vector::run_kv_write<Vector>, nullptr},
    {"kv_scratch", vector::run_kv_scratch<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
