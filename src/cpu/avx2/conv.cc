// Conv and FusedConv in float32 (conv.h).
#include "cpu/conv.h"
#include "cpu/avx2/plane_vector.h"
#include "cpu/isa_kernel.h"
#include "cpu/vector/epilogue.h"

namespace lathe::avx2 {
namespace {

using Functions = vector::EpilogueFunctions<Vector>;

}  // namespace

extern const IsaKernel conv_kernels[];
const IsaKernel conv_kernels[] = {
    {"conv.f32", conv::run_plain<Vector, 6, 1, Functions>, nullptr},
    {"fused_conv.f32", conv::run_fused<Vector, 6, 1, Functions>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
