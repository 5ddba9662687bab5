// QuantizeLinear and DequantizeLinear of bytes (code_conversion.h).
#include "cpu/avx512/code_vector.h"
#include "cpu/code_conversion.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel quantize_linear_kernels[];
const IsaKernel quantize_linear_kernels[] = {
    {"dequantize_linear.bytes", codes::dequantize<Vector>, nullptr},
    {"quantize_linear.bytes", codes::quantize<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
