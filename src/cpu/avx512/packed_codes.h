// Reads the packed layouts (quant/packed.h) 32 columns of 16 rows at a time into registers.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "cpu/fine_columns.h"
#include "quant/packed.h"

namespace lathe::avx512 {
namespace {

/// 32 columns of 16 rows. Lane i of a vector is row i.
struct WeightBlock {
  __m512i codes[8];  // [columns 4k to 4k + 3][row][column], signed, bias subtracted, times the integer scale
  __m512 scale[2];   // of columns 0 to 15 and 16 to 31; only the first unless the layout has half scales
  __m512 sum[2];     // of the codes, likewise
  __m512 minimum;    // where the layout has minima; of columns 16 to 31 where it has two
  __m512 half_minimum;  // the minimum of columns 0 to 15 less that of columns 16 to 31
};

[[gnu::always_inline]] inline __m512i load(const std::uint8_t* bytes) { return _mm512_loadu_si512(bytes); }

[[gnu::always_inline]] inline __m512 load_halves(const std::uint8_t* bytes) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes)));
}

[[gnu::always_inline]] inline void unpack_nibbles(const std::uint8_t* bytes, __m512i codes[8]) {
  const __m512i mask = _mm512_set1_epi8(15);
  for (int i = 0; i < 4; ++i) {
    const __m512i pair = load(bytes + 64 * i);
    codes[i] = _mm512_and_si512(pair, mask);
    codes[i + 4] = _mm512_and_si512(_mm512_srli_epi16(pair, 4), mask);
  }
}

[[gnu::always_inline]] inline __mmask64 load_mask(const std::uint8_t* bits) {
  return _load_mask64(reinterpret_cast<__mmask64*>(const_cast<std::uint8_t*>(bits)));
}

[[gnu::always_inline]] inline void add_high_bits(const std::uint8_t* bits, __m512i codes[8]) {
  const __m512i high = _mm512_set1_epi8(16);
  for (int i = 0; i < 8; ++i)
    codes[i] = _mm512_mask_add_epi8(codes[i], load_mask(bits + 8 * i), codes[i], high);
}

[[gnu::always_inline]] inline void subtract_bias(int bias, __m512i codes[8]) {
  const __m512i vector = _mm512_set1_epi8(static_cast<char>(bias));
  for (int i = 0; i < 8; ++i) codes[i] = _mm512_sub_epi8(codes[i], vector);
}

/// Sums of up to 8 vectors of codes per row. Added as bytes first, which holds 8 codes of 5 bits or 4 of 6
/// bits.
template <int kBegin, int kEnd, bool kSigned>
[[gnu::always_inline]] inline __m512 sum_small_codes(const __m512i codes[8]) {
  __m512i bytes = codes[kBegin];
  for (int i = kBegin + 1; i < kEnd; ++i) bytes = _mm512_add_epi8(bytes, codes[i]);
  const __m512i ones = _mm512_set1_epi8(1);
  const __m512i zero = _mm512_setzero_si512();
  return _mm512_cvtepi32_ps(kSigned ? _mm512_dpbusd_epi32(zero, ones, bytes)
                                    : _mm512_dpbusd_epi32(zero, bytes, ones));
}

/// The same for any signed codes.
[[gnu::always_inline]] inline __m512 sum_codes(const __m512i codes[8]) {
  const __m512i ones = _mm512_set1_epi8(1);
  __m512i sums[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
  for (int i = 0; i < 8; ++i) sums[i % 2] = _mm512_dpbusd_epi32(sums[i % 2], ones, codes[i]);
  return _mm512_cvtepi32_ps(_mm512_add_epi32(sums[0], sums[1]));
}

/// The fine columns' codes, [row][the two columns] in 16 bits each, out of [columns 4k to 4k + 3] in memory,
/// `stride` vectors apart.
[[gnu::always_inline]] inline __m512i fine_pairs(const __m512i* codes, std::int64_t stride,
                                                 std::uint32_t zeros_entry) {
  const int first = fine_column(zeros_entry, 0);
  const int second = fine_column(zeros_entry, 1);
  const auto at_the_top = [&](int column) {
    const __m512i four = _mm512_load_si512(codes + column / 4 * stride);
    return _mm512_sll_epi32(four, _mm_cvtsi32_si128(24 - column % 4 * 8));
  };
  const __m512i low = _mm512_srai_epi32(at_the_top(first), 24);
  const __m512i high = _mm512_srai_epi32(at_the_top(second), 8);
  return _mm512_mask_blend_epi16(0xaaaaaaaau, low, high);
}

struct Packed4 {
  static constexpr PackedLayoutInfo kInfo = kPacked4;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, WeightBlock& out) {
    unpack_nibbles(record, out.codes);
    subtract_bias(8, out.codes);
    out.sum[0] = sum_small_codes<0, 8, true>(out.codes);
    out.scale[0] = load_halves(record + 256);
  }
};

struct Packed4m {
  static constexpr PackedLayoutInfo kInfo = kPacked4m;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, WeightBlock& out) {
    unpack_nibbles(record, out.codes);
    out.sum[0] = sum_small_codes<0, 8, false>(out.codes);
    out.scale[0] = load_halves(record + 256);
    out.minimum = load_halves(record + 288);
  }
};

struct Packed5 {
  static constexpr PackedLayoutInfo kInfo = kPacked5;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, WeightBlock& out) {
    unpack_nibbles(record, out.codes);
    add_high_bits(record + 256, out.codes);
    subtract_bias(16, out.codes);
    out.sum[0] = sum_small_codes<0, 8, true>(out.codes);
    out.scale[0] = load_halves(record + 320);
  }
};

struct Packed5m {
  static constexpr PackedLayoutInfo kInfo = kPacked5m;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, WeightBlock& out) {
    unpack_nibbles(record, out.codes);
    add_high_bits(record + 256, out.codes);
    out.sum[0] = sum_small_codes<0, 8, false>(out.codes);
    out.scale[0] = load_halves(record + 320);
    out.minimum = load_halves(record + 352);
  }
};

struct Packed8 {
  static constexpr PackedLayoutInfo kInfo = kPacked8;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, WeightBlock& out) {
    for (int i = 0; i < 8; ++i) out.codes[i] = load(record + 64 * i);
    out.sum[0] = sum_codes(out.codes);
    out.scale[0] = load_halves(record + 512);
  }
};

[[gnu::always_inline]] inline __m512 load_unsigned_bytes(const std::uint8_t* bytes) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes))));
}

[[gnu::always_inline]] inline __m512 load_signed_bytes(const std::uint8_t* bytes) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes))));
}

/// Nibbles as indices into a table of 16 codes.
[[gnu::always_inline]] inline void unpack_table(const std::uint8_t* bytes, const std::int8_t table[16],
                                                __m512i codes[8]) {
  const __m512i entries = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  unpack_nibbles(bytes, codes);
  for (int i = 0; i < 8; ++i) codes[i] = _mm512_shuffle_epi8(entries, codes[i]);
}

struct Packed4t {
  static constexpr PackedLayoutInfo kInfo = kPacked4t;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, WeightBlock& out) {
    unpack_table(record, kIq4Values, out.codes);
    out.sum[0] = sum_codes(out.codes);
    out.scale[0] = load_halves(record + 256);
  }
};

/// half_of_e8m0() of 16 exponents.
[[gnu::always_inline]] inline __m512 load_exponents(const std::uint8_t* bytes) {
  const __m512i exponent = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
  const __m512i normal = _mm512_slli_epi32(_mm512_sub_epi32(exponent, _mm512_set1_epi32(1)), 23);
  const __mmask16 subnormal = _mm512_cmplt_epu32_mask(exponent, _mm512_set1_epi32(2));
  return _mm512_castsi512_ps(
      _mm512_mask_sllv_epi32(normal, subnormal, _mm512_set1_epi32(0x200000), exponent));
}

struct Packed4x {
  static constexpr PackedLayoutInfo kInfo = kPacked4x;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, WeightBlock& out) {
    unpack_table(record, kE2m1Doubled, out.codes);
    out.sum[0] = sum_small_codes<0, 8, true>(out.codes);
    out.scale[0] = load_exponents(record + 256);
  }
};

struct Packed4tk {
  static constexpr PackedLayoutInfo kInfo = kPacked4tk;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int block, WeightBlock& out) {
    unpack_table(record + 160 + block * 256, kIq4Values, out.codes);
    out.sum[0] = sum_codes(out.codes);
    out.scale[0] = _mm512_mul_ps(load_halves(record), load_signed_bytes(record + 32 + block * 16));
  }
};

/// Two bits a code, of 16 columns scaled by tables[0] and of 16 by tables[1]: byte k of a row's lane is the
/// product of code k. A shuffle looks up in 16 bytes, the tables of four rows.
[[gnu::always_inline]] inline void unpack_scaled_two_bits(const std::uint8_t* bytes, const __m512i tables[2],
                                                          __m512i codes[8]) {
  const __m512i mask = _mm512_set1_epi8(3);
  const __m512i rows = _mm512_set4_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0);
  for (int i = 0; i < 2; ++i) {
    const __m512i four = load(bytes + 64 * i);
    const __m512i bits[4] = {four, _mm512_srli_epi16(four, 2), _mm512_srli_epi16(four, 4),
                             _mm512_srli_epi16(four, 6)};
    for (int k = 0; k < 4; ++k) {
      const __m512i index = _mm512_or_si512(_mm512_and_si512(bits[k], mask), rows);
      codes[2 * k + i] = _mm512_shuffle_epi8(tables[k / 2], index);
    }
  }
}

struct Packed2k {
  static constexpr PackedLayoutInfo kInfo = kPacked2k;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int block, WeightBlock& out) {
    __m512i tables[2];
    __m512i minima[2];
    for (int half = 0; half < 2; ++half) {
      const auto* bytes = reinterpret_cast<const __m128i*>(record + 64 + (block * 2 + half) * 16);
      const __m512i factors = _mm512_cvtepu8_epi32(_mm_loadu_si128(bytes));
      const __m512i scale = _mm512_and_si512(factors, _mm512_set1_epi32(15));
      tables[half] = _mm512_mullo_epi32(scale, _mm512_set1_epi32(0x03020100));
      minima[half] = _mm512_srli_epi32(factors, 4);
    }
    unpack_scaled_two_bits(record + 320 + block * 128, tables, out.codes);
    // Products reach 45: four of them fit an unsigned byte.
    const __m512i ones = _mm512_set1_epi8(1);
    __m512i sum = _mm512_setzero_si512();
    for (int half = 0; half < 2; ++half) {
      const __m512i* codes = out.codes + 4 * half;
      const __m512i bytes =
          _mm512_add_epi8(_mm512_add_epi8(codes[0], codes[1]), _mm512_add_epi8(codes[2], codes[3]));
      sum = _mm512_dpbusd_epi32(sum, bytes, ones);
    }
    out.sum[0] = _mm512_cvtepi32_ps(sum);
    out.scale[0] = load_halves(record);
    const __m512 dmin = load_halves(record + 32);
    const __m512 sign = _mm512_set1_ps(-0.0f);
    const __m512i difference = _mm512_sub_epi32(minima[0], minima[1]);
    out.minimum = _mm512_xor_ps(_mm512_mul_ps(dmin, _mm512_cvtepi32_ps(minima[1])), sign);
    out.half_minimum = _mm512_xor_ps(_mm512_mul_ps(dmin, _mm512_cvtepi32_ps(difference)), sign);
  }
};

struct Packed3k {
  static constexpr PackedLayoutInfo kInfo = kPacked3k;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int block, WeightBlock& out) {
    __m512i tables[2];  // of (32 - scale) * (code - 4) for codes 0 to 3
    __m512i fours[2];   // (32 - scale) * 4, what the high bit adds
    for (int half = 0; half < 2; ++half) {
      const auto* bytes = reinterpret_cast<const __m128i*>(record + 32 + (block * 2 + half) * 16);
      const __m512i scale = _mm512_cvtepu8_epi32(_mm_loadu_si128(bytes));
      const __m512i multiples = _mm512_mullo_epi32(scale, _mm512_set1_epi32(0x01020304));
      tables[half] = _mm512_sub_epi8(multiples, _mm512_set1_epi32(0x20406080));
      fours[half] =
          _mm512_shuffle_epi8(tables[half], _mm512_set4_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0));
      fours[half] = _mm512_sub_epi8(_mm512_setzero_si512(), fours[half]);
    }
    unpack_scaled_two_bits(record + 288 + block * 128, tables, out.codes);
    const std::uint8_t* high = record + 1312 + block * 64;
    for (int i = 0; i < 8; ++i)
      out.codes[i] = _mm512_mask_add_epi8(out.codes[i], load_mask(high + 8 * i), out.codes[i], fours[i / 4]);
    out.sum[0] = sum_codes(out.codes);
    out.scale[0] = _mm512_xor_ps(load_halves(record), _mm512_set1_ps(-0.0f));
  }
};

[[gnu::always_inline]] inline void unpack_k_factors(const std::uint8_t* record, int block, WeightBlock& out) {
  const __m512 minimum =
      _mm512_mul_ps(load_halves(record + 32), load_unsigned_bytes(record + 192 + block * 16));
  out.scale[0] = _mm512_mul_ps(load_halves(record), load_unsigned_bytes(record + 64 + block * 16));
  out.minimum = _mm512_xor_ps(minimum, _mm512_set1_ps(-0.0f));
}

struct Packed4k {
  static constexpr PackedLayoutInfo kInfo = kPacked4k;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int block, WeightBlock& out) {
    unpack_nibbles(record + 320 + block * 256, out.codes);
    out.sum[0] = sum_small_codes<0, 8, false>(out.codes);
    unpack_k_factors(record, block, out);
  }
};

struct Packed5k {
  static constexpr PackedLayoutInfo kInfo = kPacked5k;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int block, WeightBlock& out) {
    unpack_nibbles(record + 320 + block * 256, out.codes);
    add_high_bits(record + 2368 + block * 64, out.codes);
    out.sum[0] = sum_small_codes<0, 8, false>(out.codes);
    unpack_k_factors(record, block, out);
  }
};

struct Packed6k {
  static constexpr PackedLayoutInfo kInfo = kPacked6k;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int block, WeightBlock& out) {
    unpack_nibbles(record + 288 + block * 256, out.codes);
    const __m512i mask = _mm512_set1_epi8(0x30);
    const __m512i high[2] = {load(record + 2336 + block * 128), load(record + 2336 + block * 128 + 64)};
    for (int i = 0; i < 2; ++i) {  // bits 0-1, 2-3, 4-5 and 6-7 go to bits 4-5
      const __m512i bits[4] = {_mm512_slli_epi16(high[i], 4), _mm512_slli_epi16(high[i], 2), high[i],
                               _mm512_srli_epi16(high[i], 2)};
      for (int k = 0; k < 4; ++k)
        out.codes[2 * k + i] = _mm512_or_si512(out.codes[2 * k + i], _mm512_and_si512(bits[k], mask));
    }
    subtract_bias(32, out.codes);
    const __m512 d = load_halves(record);
    out.sum[0] = sum_small_codes<0, 4, true>(out.codes);
    out.sum[1] = sum_small_codes<4, 8, true>(out.codes);
    out.scale[0] = _mm512_mul_ps(d, load_signed_bytes(record + 32 + block * 32));
    out.scale[1] = _mm512_mul_ps(d, load_signed_bytes(record + 32 + block * 32 + 16));
  }
};

}  // namespace
}  // namespace lathe::avx512
