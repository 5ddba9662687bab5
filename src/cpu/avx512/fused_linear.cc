// The kernels of cpu/fused_linear.h, with the products of this folder's Linear and QuantizedLinear.
#include "cpu/fused_linear.h"

#include "cpu/avx512/code_products.h"
#include "cpu/avx512/float_products.h"
#include "cpu/avx512/quantize_row.h"
#include "cpu/vector/row_program.h"

namespace lathe::avx512 {
namespace {

using RowFunctions = vector::RowFunctions<Vector>;

}  // namespace

extern const IsaKernel fused_linear_kernels[];
const IsaKernel fused_linear_kernels[] = {
    fused_linear::kernel<CodeProducts, RowFunctions>("fused_linear.codes"),
    fused_linear::kernel<FloatProducts, RowFunctions>("fused_linear.f32"),
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
