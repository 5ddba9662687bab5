// QuantizedExpertLinear by the chunks of QuantizedLinear; what it computes is in
// portable/quantized_expert_linear.cc.
#include <cstddef>
#include <cstdint>

#include "cpu/avx512/quantized_multiply.h"
#include "cpu/expert_matmul.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {
namespace {

template <class Layout>
void quantized_expert_linear(const KernelCall& call) {
  multiply_experts(call, {Layout::kInfo, activation_row_bytes(call.inputs[1].dims[2]), multiply_chunk<Layout>,
                          kHasTile<Layout> ? &kTileChunks : nullptr});
}

std::size_t scratch_bytes(const KernelCall& call) {
  const ExpertShape shape = expert_shape(call);
  return static_cast<std::size_t>(expert_scratch(shape, activation_row_bytes(shape.columns)).bytes +
                                  prepared_bytes(expert_chunk_slots(shape), shape.columns));
}

template <class Layout>
constexpr IsaKernel kernel(const char* name) {
  return {name, quantized_expert_linear<Layout>, scratch_bytes};
}

}  // namespace

extern const IsaKernel quantized_expert_linear_kernels[];
const IsaKernel quantized_expert_linear_kernels[] = {
    kernel<Packed4>("quantized_expert_linear.packed4"),
    kernel<Packed4m>("quantized_expert_linear.packed4m"),
    kernel<Packed5>("quantized_expert_linear.packed5"),
    kernel<Packed5m>("quantized_expert_linear.packed5m"),
    kernel<Packed8>("quantized_expert_linear.packed8"),
    kernel<Packed4t>("quantized_expert_linear.packed4t"),
    kernel<Packed4x>("quantized_expert_linear.packed4x"),
    kernel<Packed4tk>("quantized_expert_linear.packed4tk"),
    kernel<Packed2k>("quantized_expert_linear.packed2k"),
    kernel<Packed3k>("quantized_expert_linear.packed3k"),
    kernel<Packed4k>("quantized_expert_linear.packed4k"),
    kernel<Packed5k>("quantized_expert_linear.packed5k"),
    kernel<Packed6k>("quantized_expert_linear.packed6k"),
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
