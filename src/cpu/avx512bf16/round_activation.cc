// RoundActivation by the instruction for it; what it computes is in portable/round_activation.cc.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "cpu/isa_kernel.h"
#include "cpu/matmul_shape.h"
#include "cpu/vector/call.h"

namespace lathe::avx512bf16 {
namespace {

void round_activation(const KernelCall& call) {
  const Share share = thread_share(vector::element_count(call.inputs[0]), call.thread, call.threads);
  const auto* x = static_cast<const float*>(call.inputs[0].data);
  auto* y = static_cast<std::uint16_t*>(call.outputs[0].data);
  for (std::int64_t i = share.begin; i < share.end; i += 16) {
    const std::int64_t left = share.end - i;
    const auto mask = static_cast<__mmask16>(left >= 16 ? 0xffffu : (1u << left) - 1u);
    const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, x + i));
    _mm256_mask_storeu_epi16(y + i, mask, reinterpret_cast<__m256i>(rounded));
  }
}

}  // namespace

extern const IsaKernel round_activation_kernels[];
const IsaKernel round_activation_kernels[] = {{"round_activation", round_activation, nullptr},
                                              {nullptr, nullptr, nullptr}};

}  // namespace lathe::avx512bf16
