// QuantizeLinear and DequantizeLinear of bytes (code_conversion.h).
#include "cpu/avx2/code_vector.h"
#include "cpu/code_conversion.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel quantize_linear_kernels[];
const IsaKernel quantize_linear_kernels[] = {
    {"dequantize_linear.bytes", codes::dequantize<Vector>, nullptr},
    {"quantize_linear.bytes", codes::quantize<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
