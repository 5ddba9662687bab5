// QuantizedLinear: chunks of tokens times groups of rows (quantized_multiply.h).
#include <cstddef>
#include <cstdint>

#include "cpu/avx512/quantized_multiply.h"
#include "cpu/isa_kernel.h"
#include "cpu/matmul_shape.h"

namespace lathe::avx512 {
namespace {

template <class Layout>
void quantized_linear(const KernelCall& call) {
  multiply_in_chunks(call, multiply_chunk<Layout>, kHasTile<Layout> ? &kTileChunks : nullptr);
}

template <class Layout>
std::size_t scratch_bytes(const KernelCall& call) {
  return kHasTile<Layout> ? chunk_scratch_bytes(call, kTileChunks) : 0;
}

template <class Layout>
constexpr IsaKernel kernel(const char* name) {
  return {name, quantized_linear<Layout>, kHasTile<Layout> ? scratch_bytes<Layout> : nullptr};
}

}  // namespace

extern const IsaKernel quantized_linear_kernels[];
const IsaKernel quantized_linear_kernels[] = {
    kernel<Packed4>("quantized_linear.packed4"),   kernel<Packed4m>("quantized_linear.packed4m"),
    kernel<Packed5>("quantized_linear.packed5"),   kernel<Packed5m>("quantized_linear.packed5m"),
    kernel<Packed8>("quantized_linear.packed8"),   kernel<Packed4t>("quantized_linear.packed4t"),
    kernel<Packed4x>("quantized_linear.packed4x"), kernel<Packed4tk>("quantized_linear.packed4tk"),
    kernel<Packed2k>("quantized_linear.packed2k"), kernel<Packed3k>("quantized_linear.packed3k"),
    kernel<Packed4k>("quantized_linear.packed4k"), kernel<Packed5k>("quantized_linear.packed5k"),
    kernel<Packed6k>("quantized_linear.packed6k"), {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
