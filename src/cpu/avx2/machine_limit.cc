// The limits of AVX2. int8: bytes to 16-bit pairs, to 32-bit sums.
#include "cpu/machine_limit.h"

#include <immintrin.h>

#include "cpu/isa_kernel.h"

namespace lathe::avx2 {
namespace {

constexpr int kSums = 8;

std::int32_t int8_rounds(std::int64_t rounds) {
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

constexpr int kFloatSums = 12;

std::int32_t f32_rounds(std::int64_t rounds) {
  __m256 sums[kFloatSums];
  for (auto& sum : sums) sum = _mm256_setzero_ps();
  __m256 a = _mm256_set1_ps(0.5F);
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (auto& sum : sums) sum = _mm256_fmadd_ps(a, a, sum);
    asm volatile("" : "+x"(a));
  }
  __m256 total = sums[0];
  for (int i = 1; i < kFloatSums; ++i) total = _mm256_xor_ps(total, sums[i]);
  return _mm256_extract_epi32(_mm256_castps_si256(total), 0);
}

/// `streams` places of the data at once; each line is asked for `ahead` bytes before it is read, 0: it is
/// not.
template <int streams, int ahead>
std::uint64_t read(const std::uint64_t* data, std::int64_t words) {
  const auto* bytes = reinterpret_cast<const char*>(data);
  const std::int64_t part = words * 8 / streams;
  __m256i sums[4];
  for (auto& sum : sums) sum = _mm256_setzero_si256();
  for (std::int64_t i = 0; i < part; i += 128) {
    for (std::int64_t stream = 0; stream < streams; ++stream) {
      const char* place = bytes + stream * part + i;
      if constexpr (ahead > 0) {
        _mm_prefetch(place + ahead, _MM_HINT_T0);
        _mm_prefetch(place + ahead + 64, _MM_HINT_T0);
      }
      for (int k = 0; k < 4; ++k)
        sums[k] =
            _mm256_xor_si256(sums[k], _mm256_load_si256(reinterpret_cast<const __m256i*>(place + 32 * k)));
    }
  }
  const __m256i total =
      _mm256_xor_si256(_mm256_xor_si256(sums[0], sums[1]), _mm256_xor_si256(sums[2], sums[3]));
  return static_cast<std::uint64_t>(_mm256_extract_epi64(total, 0) ^ _mm256_extract_epi64(total, 1) ^
                                    _mm256_extract_epi64(total, 2) ^ _mm256_extract_epi64(total, 3));
}

}  // namespace

extern const DotLoop machine_limit_int8 = {int8_rounds, 2 * 32 * kSums};
extern const DotLoop machine_limit_f32 = {f32_rounds, 2 * 8 * kFloatSums};
extern const ReadLoop machine_limit_reads[3] = {read<1, 0>, read<1, 1024>, read<4, 0>};

extern const IsaKernel machine_limit_kernels[] = {{nullptr, nullptr, nullptr}};

}  // namespace lathe::avx2
