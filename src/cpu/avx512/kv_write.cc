// The kernels of cpu/vector/kv_write.h, in AVX-512.
#include "cpu/vector/kv_write.h"

#include "cpu/avx512/bfloat.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel kv_write_kernels[] = {
    {"kv_write", vector::run_kv_write<Vector>, nullptr},
    {"kv_scratch", vector::run_kv_scratch<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
