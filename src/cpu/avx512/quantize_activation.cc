// QuantizeActivation, two vectors a block; what it computes is in portable/quantize_activation.cc.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "cpu/isa_kernel.h"
#include "cpu/matmul_shape.h"

namespace lathe::avx512 {
namespace {

inline void store_float(std::uint8_t* bytes, float value) { __builtin_memcpy(bytes, &value, sizeof value); }

/// Codes of 16 values as 32-bit integers.
[[gnu::always_inline]] inline __m512i quantize(__m512 values, __m512 minimum, __m512 inverse) {
  __m512 position = _mm512_mul_ps(_mm512_sub_ps(values, minimum), inverse);
  position = _mm512_max_ps(position, _mm512_setzero_ps());  // NaN becomes the second operand, 0
  return _mm512_cvtps_epi32(_mm512_min_ps(position, _mm512_set1_ps(255.0f)));
}

/// `factors` points at the block's scale; minimum and sum follow `stride` bytes apart.
inline void quantize_block(const float* values, std::uint8_t* codes, std::uint8_t* factors,
                           std::int64_t stride) {
  const __m512 first = _mm512_loadu_ps(values);
  const __m512 second = _mm512_loadu_ps(values + 16);
  const bool has_nan = _mm512_cmp_ps_mask(first, second, _CMP_UNORD_Q) != 0;
  float low = _mm512_reduce_min_ps(_mm512_min_ps(first, second));
  float high = _mm512_reduce_max_ps(_mm512_max_ps(first, second));
  if (has_nan) low = high = __builtin_nanf("");
  low += 0.0f;  // -0 becomes +0
  high += 0.0f;
  const float scale = (high - low) / 255.0f;
  const float inverse = scale > 0.0f ? 1.0f / scale : 0.0f;
  const __m512i low_codes = quantize(first, _mm512_set1_ps(low), _mm512_set1_ps(inverse));
  const __m512i high_codes = quantize(second, _mm512_set1_ps(low), _mm512_set1_ps(inverse));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(codes), _mm512_cvtepi32_epi8(low_codes));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(codes + 16), _mm512_cvtepi32_epi8(high_codes));
  const int sum = _mm512_reduce_add_epi32(_mm512_add_epi32(low_codes, high_codes));
  store_float(factors, scale);
  store_float(factors + stride, low);
  store_float(factors + 2 * stride, __builtin_fmaf(scale, static_cast<float>(sum), 32.0f * low));
}

void quantize_activation(const KernelCall& call) {
  const TensorArg& input = call.inputs[0];  // [tokens, columns]
  const std::int64_t columns = input.dims[1];
  const std::int64_t blocks = columns / kActivationBlock;
  const Share share = thread_share(input.dims[0] * blocks, call.thread, call.threads);
  const auto* values = static_cast<const float*>(input.data) + share.begin * kActivationBlock;
  auto* rows = static_cast<std::uint8_t*>(call.outputs[0].data);
  for (std::int64_t i = share.begin; i < share.end;) {
    const std::int64_t token = i / blocks;
    std::uint8_t* row = rows + token * activation_row_bytes(columns);
    for (std::int64_t block = i - token * blocks; block < blocks && i < share.end; ++block, ++i) {
      quantize_block(values, row + block * kActivationBlock, row + columns + block * 4, blocks * 4);
      values += kActivationBlock;
    }
  }
}

}  // namespace

extern const IsaKernel quantize_activation_kernels[];
const IsaKernel quantize_activation_kernels[] = {{"quantize_activation", quantize_activation, nullptr},
                                                 {nullptr, nullptr, nullptr}};

}  // namespace lathe::avx512
