// QuantizedLinear, on packed weights and on those as files have them.
#include "cpu/avx2/code_products.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel quantized_linear_kernels[];
const IsaKernel quantized_linear_kernels[] = {
    {"quantized_linear.*", run_linear<CodeProducts>, linear_scratch_bytes<CodeProducts>},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
