// LinearCodes (linear_codes.h): four products of codes a lane and instruction. They take u8 times i8, so that
// codes of i8 are moved up by 128, and what a zero point adds to a row's sums is taken off.
#include "cpu/linear_codes.h"
#include "cpu/avx512/code_vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {
namespace {

struct ProductCodes {
  using Vector = avx512::Vector;
  using Code = std::uint8_t;
  using Sums = __m512i;
  using Codes = __m512i;
  static constexpr bool kInterleaves = true;
  static constexpr bool kMovesUp = true;

  static void prepare(const std::uint8_t* x, std::int64_t columns, std::int64_t padded, bool is_signed,
                      std::int32_t, Code* target) {
    const __m512i flip = _mm512_set1_epi8(static_cast<char>(is_signed ? 0x80 : 0));
    for (std::int64_t k = 0; k < padded; k += 64) {
      const __mmask64 inside = first_bytes(columns - k);
      const __m512i codes = _mm512_maskz_loadu_epi8(inside, x + k);
      _mm512_store_si512(target + k, _mm512_maskz_mov_epi8(inside, _mm512_xor_si512(codes, flip)));
    }
  }

  [[gnu::always_inline]] static Sums load_sums(const std::int32_t* sums) { return _mm512_load_si512(sums); }
  [[gnu::always_inline]] static void store_sums(std::int32_t* target, Sums sums) {
    _mm512_store_si512(target, sums);
  }
  [[gnu::always_inline]] static Codes load(const std::byte* weights) { return _mm512_load_si512(weights); }
  [[gnu::always_inline]] static Codes four(const Code* x) {
    std::int32_t codes;
    __builtin_memcpy(&codes, x, sizeof codes);
    return _mm512_set1_epi32(codes);
  }
  [[gnu::always_inline]] static Sums dot(Sums sums, Codes x, Codes weights) {
    return _mm512_dpbusd_epi32(sums, x, weights);
  }
  /// Products of kCount prepared rows with four rows of weights, `stride` apart for each of x.
  template <int kCount>
  static void dots(const Code* x, std::int64_t padded, const std::int8_t* const* rows, std::int64_t columns,
                   std::int32_t zero, std::int32_t* result, std::int64_t stride) {
    const __m512i ones = _mm512_set1_epi8(1);
    __m512i weight_sums[4];
    __m512i sums[kCount][4];
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      weight_sums[r] = _mm512_setzero_si512();
#pragma GCC unroll 4
      for (int t = 0; t < kCount; ++t) sums[t][r] = _mm512_setzero_si512();
    }
    for (std::int64_t k = 0; k < columns; k += 64) {
      const __mmask64 inside = first_bytes(columns - k);
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) {
        const __m512i weights = _mm512_maskz_loadu_epi8(inside, rows[r] + k);
        weight_sums[r] = _mm512_dpbusd_epi32(weight_sums[r], ones, weights);
#pragma GCC unroll 4
        for (int t = 0; t < kCount; ++t)
          sums[t][r] = _mm512_dpbusd_epi32(sums[t][r], _mm512_load_si512(x + t * padded + k), weights);
      }
    }
    const __m128i taken = _mm_mullo_epi32(four_totals(weight_sums), _mm_set1_epi32(zero));
#pragma GCC unroll 4
    for (int t = 0; t < kCount; ++t)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(result + t * stride),
                       _mm_sub_epi32(four_totals(sums[t]), taken));
  }

  /// At most 16 rows of weights, zeros for those that are not there and behind their columns.
  static void interleave(const std::int8_t* weights, std::int64_t rows, std::int64_t columns,
                         std::int32_t zero, std::byte* target, std::int32_t* starts) {
    const __m512i ones = _mm512_set1_epi8(1);
    __m512i sums = _mm512_setzero_si512();
    for (std::int64_t k = 0; k < columns; k += 64) {
      const __mmask64 inside = first_bytes(columns - k);
      __m512i codes[16];
#pragma GCC unroll 16
      for (int r = 0; r < 16; ++r)
        codes[r] =
            r < rows ? _mm512_maskz_loadu_epi8(inside, weights + r * columns + k) : _mm512_setzero_si512();
      transpose(codes);
      const std::int64_t steps = columns - k < 64 ? (columns - k + 3) / 4 : 16;
      for (std::int64_t i = 0; i < steps; ++i) {
        _mm512_store_si512(target + (k / 4 + i) * 64, codes[i]);
        sums = _mm512_dpbusd_epi32(sums, ones, codes[i]);
      }
    }
    _mm512_store_si512(starts, _mm512_mullo_epi32(sums, _mm512_set1_epi32(-zero)));
  }

 private:
  /// The sum of all lanes of each.
  [[gnu::always_inline]] static __m128i four_totals(const __m512i* sums) {
    const auto pairs = [](__m512i a, __m512i b) {
      return _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    };
    const __m512i low = pairs(sums[0], sums[1]);
    const __m512i high = pairs(sums[2], sums[3]);
    const __m512i four = _mm512_add_epi32(_mm512_unpacklo_epi64(low, high), _mm512_unpackhi_epi64(low, high));
    const __m256i two = _mm256_add_epi32(_mm512_castsi512_si256(four), _mm512_extracti64x4_epi64(four, 1));
    return _mm_add_epi32(_mm256_castsi256_si128(two), _mm256_extracti128_si256(two, 1));
  }

  /// 16 rows of 16 numbers of 32 bits.
  [[gnu::always_inline]] static void transpose(__m512i* rows) {
    __m512i pairs[16];
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
      pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
      pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    // quads[4 i + j]: columns j, 4 + j, 8 + j, 12 + j of rows 4 i to 4 i + 3
    __m512i quads[16];
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
      quads[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
      quads[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
      quads[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
      quads[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const __m512i a = _mm512_shuffle_i32x4(quads[j], quads[4 + j], 0x44);       // columns j, 4 + j
      const __m512i b = _mm512_shuffle_i32x4(quads[8 + j], quads[12 + j], 0x44);  // of rows 8 to 15
      const __m512i c = _mm512_shuffle_i32x4(quads[j], quads[4 + j], 0xee);       // columns 8 + j, 12 + j
      const __m512i d = _mm512_shuffle_i32x4(quads[8 + j], quads[12 + j], 0xee);
      rows[j] = _mm512_shuffle_i32x4(a, b, 0x88);
      rows[4 + j] = _mm512_shuffle_i32x4(a, b, 0xdd);
      rows[8 + j] = _mm512_shuffle_i32x4(c, d, 0x88);
      rows[12 + j] = _mm512_shuffle_i32x4(c, d, 0xdd);
    }
  }
};

}  // namespace

extern const IsaKernel linear_codes_kernels[];
const IsaKernel linear_codes_kernels[] = {
    {"linear_codes.rows", linear_codes::run<ProductCodes>, linear_codes::scratch_bytes<ProductCodes>},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
