// QuantizedExpertLinear by the chunks of QuantizedLinear; what it computes is in
// portable/quantized_expert_linear.cc.
#include "cpu/avx512/code_products.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel quantized_expert_linear_kernels[];
const IsaKernel quantized_expert_linear_kernels[] = {
    {"quantized_expert_linear.*", run_expert_linear<CodeProducts>, expert_scratch_bytes<CodeProducts>},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
