// Conv in float32 (conv.h).
#include "cpu/conv.h"
#include "cpu/avx2/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel conv_kernels[];
const IsaKernel conv_kernels[] = {
    {"conv.f32", conv::run<Vector, 6, 1>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
