// The limit of bf16 dot products.
#include "cpu/machine_limit.h"

#include <immintrin.h>

#include "cpu/isa_kernel.h"

namespace lathe::avx512bf16 {
namespace {

constexpr int kSums = 12;

std::int32_t bf16_rounds(std::int64_t rounds) {
  __m512 sums[kSums];
  for (auto& sum : sums) sum = _mm512_setzero_ps();
  __m512i a = _mm512_set1_epi16(0x3c00);
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (auto& sum : sums)
      sum = _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(a));
    asm volatile("" : "+v"(a));  // keeps the loop from being computed ahead
  }
  __m512 total = sums[0];
  for (int i = 1; i < kSums; ++i) total = _mm512_add_ps(total, sums[i]);
  return _mm512_cvtsi512_si32(_mm512_castps_si512(total));
}

}  // namespace

extern const DotLoop machine_limit_bf16 = {bf16_rounds, 2 * 32 * kSums};

extern const IsaKernel machine_limit_kernels[] = {{nullptr, nullptr, nullptr}};

}  // namespace lathe::avx512bf16
