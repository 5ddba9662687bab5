// The kernels of cpu/vector/row_program.h, in AVX2.
#include "cpu/vector/row_program.h"

#include "cpu/avx2/quantize_row.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel row_program_kernels[] = {
    {"row_program.tiles", vector::run_row_program<Vector>, nullptr},
    {"row_program.rows", vector::run_row_program<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
