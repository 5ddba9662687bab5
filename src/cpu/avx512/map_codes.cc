// MapCodes: 64 bytes at once, each of two halves of the table in two registers.
#include "backend/kernel_call.h"
#include "cpu/avx512/code_vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {
namespace {

void run(const KernelCall& call) {
  constexpr std::int64_t kBytes = 64;
  const TensorArg& x = call.inputs[0];
  const auto* source = static_cast<const std::uint8_t*>(x.data);
  const auto* table = static_cast<const std::uint8_t*>(call.inputs[1].data);
  auto* target = static_cast<std::uint8_t*>(call.outputs[0].data);
  const __m512i parts[] = {_mm512_loadu_si512(table), _mm512_loadu_si512(table + kBytes),
                           _mm512_loadu_si512(table + 2 * kBytes), _mm512_loadu_si512(table + 3 * kBytes)};
  std::int64_t elements = 1;
  for (int i = 0; i < x.rank; ++i) elements *= x.dims[i];
  const std::int64_t end = elements * (call.thread + 1) / call.threads;
  for (std::int64_t i = elements * call.thread / call.threads; i < end; i += kBytes) {
    const __mmask64 inside = first_bytes(end - i);
    const __m512i codes = _mm512_maskz_loadu_epi8(inside, source + i);
    const __m512i low = _mm512_permutex2var_epi8(parts[0], codes, parts[1]);  // by seven bits
    const __m512i high = _mm512_permutex2var_epi8(parts[2], codes, parts[3]);
    _mm512_mask_storeu_epi8(target + i, inside, _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(codes), high));
  }
}

}  // namespace

extern const IsaKernel map_codes_kernels[];
const IsaKernel map_codes_kernels[] = {
    {"map_codes", run, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
