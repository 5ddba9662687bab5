// The kernels of cpu/vector/row_program.h, in AVX-512.
#include "cpu/vector/row_program.h"

#include "cpu/avx512/quantize_row.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel row_program_kernels[] = {
    {"row_program.tiles", vector::run_row_program<Vector>, nullptr},
    {"row_program.rows", vector::run_row_program<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
