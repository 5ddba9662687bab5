// QuantizedLinear on weights as the file has them.
#include <cstddef>
#include <cstdint>

#include "cpu/avx2/blocks_multiply.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {
namespace {

void quantized_blocks(const KernelCall& call) { multiply_in_chunks(call, multiply_blocks_chunk); }

}  // namespace

extern const IsaKernel quantized_blocks_kernels[];
const IsaKernel quantized_blocks_kernels[] = {{"quantized_linear.blocks", quantized_blocks, nullptr},
                                              {nullptr, nullptr, nullptr}};

}  // namespace lathe::avx2
