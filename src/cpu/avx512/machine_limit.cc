// The int8 limit with VNNI on 512 bits: enough independent sums that only the multipliers are waited for.
#include "cpu/machine_limit.h"

#include <immintrin.h>

#include "cpu/isa_kernel.h"

namespace lathe::avx512 {
namespace {

constexpr int kSums = 12;

std::int32_t dot_rounds(std::int64_t rounds) {
  __m512i sums[kSums];
  for (auto& sum : sums) sum = _mm512_setzero_si512();
  __m512i a = _mm512_set1_epi8(3);
  const __m512i b = _mm512_set1_epi8(5);
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (auto& sum : sums) sum = _mm512_dpbusd_epi32(sum, a, b);
    asm volatile("" : "+v"(a));  // keeps the loop from being computed ahead
  }
  __m512i total = sums[0];
  for (int i = 1; i < kSums; ++i) total = _mm512_xor_si512(total, sums[i]);
  return _mm512_reduce_add_epi32(total);
}

}  // namespace

extern const DotLoop machine_limit_dot = {dot_rounds, 2 * 64 * kSums};

extern const IsaKernel machine_limit_kernels[] = {{nullptr, nullptr, nullptr}};

}  // namespace lathe::avx512
