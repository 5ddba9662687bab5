// WinogradConv in float32 (winograd_conv.h).
#include "cpu/winograd_conv.h"
#include "cpu/avx2/plane_vector.h"
#include "cpu/isa_kernel.h"
#include "cpu/vector/epilogue.h"

namespace lathe::avx2 {
namespace {

using Functions = vector::EpilogueFunctions<Vector>;

}  // namespace

extern const IsaKernel winograd_conv_kernels[];
const IsaKernel winograd_conv_kernels[] = {
    {"winograd_conv", conv::run_winograd<Vector, 6, 1, Functions>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
