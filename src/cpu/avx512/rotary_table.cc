// The kernel of cpu/vector/rotary_table.h, in AVX-512.
#include "cpu/vector/rotary_table.h"

#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel rotary_table_kernels[] = {
    {"rotary_table", vector::run_rotary_table, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
