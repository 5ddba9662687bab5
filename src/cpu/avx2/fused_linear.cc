// The kernels of cpu/fused_linear.h, with the products of this folder's Linear and QuantizedLinear.
#include "cpu/fused_linear.h"

#include "cpu/avx2/code_products.h"
#include "cpu/avx2/float_products.h"
#include "cpu/avx2/quantize_row.h"
#include "cpu/vector/row_program.h"

namespace lathe::avx2 {
namespace {

using RowFunctions = vector::RowFunctions<Vector>;

}  // namespace

extern const IsaKernel fused_linear_kernels[];
const IsaKernel fused_linear_kernels[] = {
    fused_linear::kernel<CodeProducts, RowFunctions>("fused_linear.codes"),
    fused_linear::kernel<FloatProducts, RowFunctions>("fused_linear.f32"),
    fused_linear::kernel<Bf16Products, RowFunctions>("fused_linear.bf16"),
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
