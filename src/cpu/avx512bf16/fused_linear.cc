// The kernel of cpu/fused_linear.h on bf16: products of this folder's Linear, functions of AVX-512.
#include "cpu/fused_linear.h"

#include "cpu/avx512/quantize_row.h"
#include "cpu/avx512bf16/bf16_multiply.h"
#include "cpu/vector/row_program.h"

namespace lathe::avx512bf16 {

extern const IsaKernel fused_linear_kernels[];
const IsaKernel fused_linear_kernels[] = {
    fused_linear::kernel<Bf16ProductsOf<multiply_bf16_chunk>, vector::RowFunctions<avx512::Vector>>(
        "fused_linear.bf16"),
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512bf16
