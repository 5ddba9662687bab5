// Conv and FusedConv in float32 (conv.h).
#include "cpu/conv.h"
#include "cpu/avx512/plane_vector.h"
#include "cpu/isa_kernel.h"
#include "cpu/vector/epilogue.h"

namespace lathe::avx512 {
namespace {

using Functions = vector::EpilogueFunctions<Vector>;

}  // namespace

extern const IsaKernel conv_kernels[];
const IsaKernel conv_kernels[] = {
    {"conv.f32", conv::run_plain<Vector, 8, 3, Functions>, nullptr},
    {"fused_conv.f32", conv::run_fused<Vector, 8, 3, Functions>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
