// LinearCodes (linear_codes.h): codes are widened to 16 bits, x with its zero point taken off, and multiplied
// in pairs, whose sums are exact in 32 bits.
#include "cpu/linear_codes.h"
#include "cpu/avx2/code_vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {
namespace {

constexpr std::int64_t kWords = 16;  // of a register

struct ProductCodes {
  using Vector = avx2::Vector;
  using Code = std::int16_t;
  static constexpr bool kInterleaves = false;
  static constexpr bool kMovesUp = false;

  static void prepare(const std::uint8_t* x, std::int64_t columns, std::int64_t padded, bool is_signed,
                      std::int32_t zero, Code* target) {
    const __m256i zeros = _mm256_set1_epi16(static_cast<short>(zero));
    const auto taken_off = [&](__m128i codes) {
      return _mm256_sub_epi16(is_signed ? _mm256_cvtepi8_epi16(codes) : _mm256_cvtepu8_epi16(codes), zeros);
    };
    std::int64_t k = 0;
    for (; k < columns; k += kWords)
      _mm256_store_si256(reinterpret_cast<__m256i*>(target + k), taken_off(load_bytes(x + k, columns - k)));
    for (; k < padded; k += kWords)
      _mm256_store_si256(reinterpret_cast<__m256i*>(target + k), _mm256_setzero_si256());
  }

  /// Products of kCount prepared rows with four rows of weights, `stride` apart for each of x.
  template <int kCount>
  static void dots(const Code* x, std::int64_t padded, const std::int8_t* const* rows, std::int64_t columns,
                   std::int32_t, std::int32_t* result, std::int64_t stride) {
    __m256i sums[kCount][4];
#pragma GCC unroll 2
    for (int t = 0; t < kCount; ++t)
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) sums[t][r] = _mm256_setzero_si256();
    std::int64_t k = 0;
    for (; k + kWords <= columns; k += kWords) {
      __m128i weights[4];
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) weights[r] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[r] + k));
      add_products<kCount>(sums, x + k, padded, weights);
    }
    if (k < columns) {
      __m128i weights[4];
      for (int r = 0; r < 4; ++r) weights[r] = load_bytes(rows[r] + k, columns - k);
      add_products<kCount>(sums, x + k, padded, weights);
    }
#pragma GCC unroll 2
    for (int t = 0; t < kCount; ++t) {
      const __m256i four = _mm256_hadd_epi32(_mm256_hadd_epi32(sums[t][0], sums[t][1]),
                                             _mm256_hadd_epi32(sums[t][2], sums[t][3]));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(result + t * stride),
                       _mm_add_epi32(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1)));
    }
  }

 private:
  /// 16 columns of four rows of weights.
  template <int kCount>
  [[gnu::always_inline]] static void add_products(__m256i (&sums)[kCount][4], const Code* x,
                                                  std::int64_t padded, const __m128i* weights) {
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      const __m256i wide = _mm256_cvtepi8_epi16(weights[r]);
#pragma GCC unroll 2
      for (int t = 0; t < kCount; ++t) {
        const __m256i words = _mm256_load_si256(reinterpret_cast<const __m256i*>(x + t * padded));
        sums[t][r] = _mm256_add_epi32(sums[t][r], _mm256_madd_epi16(words, wide));
      }
    }
  }
};

}  // namespace

extern const IsaKernel linear_codes_kernels[];
const IsaKernel linear_codes_kernels[] = {
    {"linear_codes.rows", linear_codes::run<ProductCodes>, linear_codes::scratch_bytes<ProductCodes>},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
