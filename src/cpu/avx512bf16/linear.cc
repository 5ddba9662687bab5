// Linear on bf16: chunks of tokens times groups of rows (bf16_multiply.h).
#include "cpu/avx512bf16/bf16_multiply.h"
#include "cpu/isa_kernel.h"
#include "cpu/products.h"

namespace lathe::avx512bf16 {

extern const IsaKernel linear_kernels[];
const IsaKernel linear_kernels[] = {
    {"linear.bf16", run_linear<Bf16ProductsOf<multiply_bf16_chunk>>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512bf16
