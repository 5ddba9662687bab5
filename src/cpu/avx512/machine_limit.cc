// The limits of AVX-512, int8 with VNNI: enough independent sums that only the multipliers are waited for.
#include "cpu/machine_limit.h"

#include <immintrin.h>

#include "cpu/isa_kernel.h"

namespace lathe::avx512 {
namespace {

constexpr int kSums = 12;

std::int32_t int8_rounds(std::int64_t rounds) {
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

std::int32_t f32_rounds(std::int64_t rounds) {
  __m512 sums[kSums];
  for (auto& sum : sums) sum = _mm512_setzero_ps();
  __m512 a = _mm512_set1_ps(0.5F);
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (auto& sum : sums) sum = _mm512_fmadd_ps(a, a, sum);
    asm volatile("" : "+v"(a));
  }
  __m512 total = sums[0];
  for (int i = 1; i < kSums; ++i) total = _mm512_add_ps(total, sums[i]);
  return _mm512_cvtsi512_si32(_mm512_castps_si512(total));
}

enum class Ahead { none, all_levels, past_levels };

/// `streams` places of the data at once; lines are asked for 2 KiB ahead, into all levels of cache or into
/// the first alone.
template <int streams, Ahead ahead>
std::uint64_t read(const std::uint64_t* data, std::int64_t words) {
  const auto* bytes = reinterpret_cast<const char*>(data);
  const std::int64_t part = words * 8 / streams;
  __m512i sums[4];
  for (auto& sum : sums) sum = _mm512_setzero_si512();
  for (std::int64_t i = 0; i < part; i += 256) {
    for (std::int64_t stream = 0; stream < streams; ++stream) {
      const char* place = bytes + stream * part + i;
      for (int k = 0; k < 4; ++k) {
        if constexpr (ahead == Ahead::all_levels) _mm_prefetch(place + 2048 + 64 * k, _MM_HINT_T0);
        if constexpr (ahead == Ahead::past_levels) _mm_prefetch(place + 2048 + 64 * k, _MM_HINT_NTA);
        sums[k] = _mm512_xor_si512(sums[k], _mm512_load_si512(place + 64 * k));
      }
    }
  }
  const __m512i total =
      _mm512_xor_si512(_mm512_xor_si512(sums[0], sums[1]), _mm512_xor_si512(sums[2], sums[3]));
  return static_cast<std::uint64_t>(_mm512_reduce_add_epi64(total));
}

}  // namespace

extern const DotLoop machine_limit_int8 = {int8_rounds, 2 * 64 * kSums};
extern const DotLoop machine_limit_f32 = {f32_rounds, 2 * 16 * kSums};
extern const ReadLoop machine_limit_reads[4] = {read<1, Ahead::none>, read<1, Ahead::all_levels>,
                                                read<1, Ahead::past_levels>, read<4, Ahead::none>};

extern const IsaKernel machine_limit_kernels[] = {{nullptr, nullptr, nullptr}};

}  // namespace lathe::avx512
