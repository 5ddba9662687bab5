// Linear on bf16: chunks of tokens times groups of rows (bf16_multiply.h).
#include "cpu/avx512bf16/bf16_multiply.h"

#include <cstddef>
#include <cstdint>

#include "cpu/isa_kernel.h"
#include "cpu/matmul_shape.h"

namespace lathe::avx512bf16 {
namespace {

void linear(const KernelCall& call) { multiply_in_chunks(call, multiply_bf16_chunk); }

}  // namespace

extern const IsaKernel linear_kernels[];
const IsaKernel linear_kernels[] = {{"linear.bf16", linear, nullptr}, {nullptr, nullptr, nullptr}};

}  // namespace lathe::avx512bf16
