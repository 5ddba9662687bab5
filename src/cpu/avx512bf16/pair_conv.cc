// Conv and FusedConv with weights in bf16 (pair_conv.h).
#include "cpu/pair_conv.h"

#include "cpu/avx512/plane_vector.h"
#include "cpu/avx512bf16/pairs.h"
#include "cpu/isa_kernel.h"
#include "cpu/vector/epilogue.h"
#include "cpu/vector/pair_products.h"

namespace lathe::avx512bf16 {
namespace {

using Products = vector::PairProducts<Pairs>;
using Functions = vector::EpilogueFunctions<Vector>;

}  // namespace

extern const IsaKernel pair_conv_kernels[];
const IsaKernel pair_conv_kernels[] = {
    {"conv.pairs", pair_conv::run<Products, 8, 3, false, Functions>, nullptr},
    {"fused_conv.pairs", pair_conv::run<Products, 8, 3, true, Functions>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512bf16
