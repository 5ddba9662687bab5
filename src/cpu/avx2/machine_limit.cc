// The int8 limit of AVX2: bytes to 16-bit pairs, to 32-bit sums.
#include "cpu/machine_limit.h"

#include <immintrin.h>

#include "cpu/isa_kernel.h"

namespace lathe::avx2 {
namespace {

constexpr int kSums = 8;

std::int32_t dot_rounds(std::int64_t rounds) {
  __m256i sums[kSums];
  for (auto& sum : sums) sum = _mm256_setzero_si256();
  __m256i a = _mm256_set1_epi8(3);
  const __m256i b = _mm256_set1_epi8(5);
  const __m256i ones = _mm256_set1_epi16(1);
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (auto& sum : sums) {
      asm volatile("" : "+x"(a));  // each product is computed, and not once for all sums
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones));
    }
  }
  __m256i total = sums[0];
  for (int i = 1; i < kSums; ++i) total = _mm256_xor_si256(total, sums[i]);
  return _mm256_extract_epi32(total, 0);
}

}  // namespace

extern const DotLoop machine_limit_dot = {dot_rounds, 2 * 32 * kSums};

extern const IsaKernel machine_limit_kernels[] = {{nullptr, nullptr, nullptr}};

}  // namespace lathe::avx2
