// Linear: chunks of tokens times groups of rows (float_multiply.h).
#include "cpu/avx2/float_multiply.h"

#include <cstddef>
#include <cstdint>

#include "cpu/isa_kernel.h"
#include "cpu/matmul_shape.h"

namespace lathe::avx2 {
namespace {

template <class Layout>
void linear(const KernelCall& call) {
  multiply_in_chunks(call, multiply_float_chunk<Layout>);
}

}  // namespace

extern const IsaKernel linear_kernels[];
const IsaKernel linear_kernels[] = {
    {"linear.packed_f32", linear<PackedF32>, nullptr},
    {"linear.packed_bf16", linear<PackedBf16>, nullptr},
    {"linear.packed_f16", linear<PackedF16>, nullptr},
    {"linear.bf16", linear<Bf16Products>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
