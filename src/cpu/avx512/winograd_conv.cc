// WinogradConv in float32 (winograd_conv.h).
#include "cpu/winograd_conv.h"
#include "cpu/avx512/plane_vector.h"
#include "cpu/isa_kernel.h"
#include "cpu/vector/epilogue.h"

namespace lathe::avx512 {
namespace {

using Functions = vector::EpilogueFunctions<Vector>;

}  // namespace

extern const IsaKernel winograd_conv_kernels[];
const IsaKernel winograd_conv_kernels[] = {
    {"winograd_conv", conv::run_winograd<Vector, 8, 3, Functions>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
