// Conv and FusedConv with weights in bf16 (pair_conv.h): pairs are widened to float32 for their products.
#include "cpu/pair_conv.h"

#include "cpu/avx2/pairs.h"
#include "cpu/avx2/plane_vector.h"
#include "cpu/isa_kernel.h"
#include "cpu/vector/epilogue.h"
#include "cpu/vector/pair_products.h"

namespace lathe::avx2 {
namespace {

using Products = vector::PairProducts<Pairs>;
using Functions = vector::EpilogueFunctions<Vector>;

}  // namespace

extern const IsaKernel pair_conv_kernels[];
const IsaKernel pair_conv_kernels[] = {
    {"conv.pairs", pair_conv::run<Products, 4, 1, false, Functions>, nullptr},
    {"fused_conv.pairs", pair_conv::run<Products, 4, 1, true, Functions>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
