// Linear: chunks of tokens times groups of rows (float_multiply.h).
#include "cpu/avx512/float_multiply.h"

#include <cstddef>
#include <cstdint>

#include "cpu/isa_kernel.h"
#include "cpu/matmul_shape.h"

namespace lathe::avx512 {
namespace {

void linear(const KernelCall& call) {
  const MatmulShape shape = matmul_shape(call);
  for (std::int64_t chunk = 0; chunk < chunk_count(shape); ++chunk)
    multiply_float_chunk(call, shape, chunk_groups(shape, chunk, call.thread, call.threads),
                         chunk_tokens(shape, chunk));
}

}  // namespace

extern const IsaKernel linear_kernels[];
const IsaKernel linear_kernels[] = {{"linear.packed_f32", linear, nullptr}, {nullptr, nullptr, nullptr}};

}  // namespace lathe::avx512
