// Conv in float32 (conv.h).
#include "cpu/conv.h"
#include "cpu/avx512/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel conv_kernels[];
const IsaKernel conv_kernels[] = {
    {"conv.f32", conv::run<Vector, 8, 3>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
