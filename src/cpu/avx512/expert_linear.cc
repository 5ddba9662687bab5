// ExpertLinear by the tiles of Linear; what it computes is in portable/expert_linear.cc.
#include <cstddef>
#include <cstdint>

#include "cpu/avx512/float_multiply.h"
#include "cpu/expert_matmul.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {
namespace {

void expert_linear(const KernelCall& call) {
  multiply_experts(call, {kPackedF32, call.inputs[1].dims[2] * static_cast<std::int64_t>(sizeof(float)),
                          multiply_float_chunk});
}

}  // namespace

extern const IsaKernel expert_linear_kernels[];
const IsaKernel expert_linear_kernels[] = {{"expert_linear.packed_f32", expert_linear, nullptr},
                                           {nullptr, nullptr, nullptr}};

}  // namespace lathe::avx512
