// Reads the packed layouts (quant/packed.h) 32 columns of 16 rows at a time into registers.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "quant/packed.h"

namespace lathe::avx512 {
namespace {

/// Which float factors a layout has besides one scale per 32 columns.
enum class Factors { scale, scale_and_minimum, half_scales };

/// 32 columns of 16 rows. Lane i of a vector is row i.
struct WeightBlock {
  __m512i codes[8];  // [columns 4k to 4k + 3][row][column], signed, bias subtracted
  __m512 scale[2];   // of columns 0 to 15 and 16 to 31; only the first unless half_scales
  __m512 sum[2];     // of the codes, likewise
  __m512 minimum;    // scale_and_minimum alone
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

[[gnu::always_inline]] inline void add_high_bits(const std::uint8_t* bits, __m512i codes[8]) {
  const __m512i high = _mm512_set1_epi8(16);
  for (int i = 0; i < 8; ++i) {
    const __mmask64 set = _load_mask64(reinterpret_cast<__mmask64*>(const_cast<std::uint8_t*>(bits + 8 * i)));
    codes[i] = _mm512_mask_add_epi8(codes[i], set, codes[i], high);
  }
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

struct Packed4 {
  static constexpr PackedLayoutInfo kInfo = kPacked4;
  static constexpr Factors kFactors = Factors::scale;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, WeightBlock& out) {
    unpack_nibbles(record, out.codes);
    subtract_bias(8, out.codes);
    out.sum[0] = sum_small_codes<0, 8, true>(out.codes);
    out.scale[0] = load_halves(record + 256);
  }
};

struct Packed4m {
  static constexpr PackedLayoutInfo kInfo = kPacked4m;
  static constexpr Factors kFactors = Factors::scale_and_minimum;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, WeightBlock& out) {
    unpack_nibbles(record, out.codes);
    out.sum[0] = sum_small_codes<0, 8, false>(out.codes);
    out.scale[0] = load_halves(record + 256);
    out.minimum = load_halves(record + 288);
  }
};

struct Packed5 {
  static constexpr PackedLayoutInfo kInfo = kPacked5;
  static constexpr Factors kFactors = Factors::scale;
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
  static constexpr Factors kFactors = Factors::scale_and_minimum;
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
  static constexpr Factors kFactors = Factors::scale;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, WeightBlock& out) {
    const __m512i ones = _mm512_set1_epi8(1);
    __m512i sums[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    for (int i = 0; i < 8; ++i) {
      out.codes[i] = load(record + 64 * i);
      sums[i % 2] = _mm512_dpbusd_epi32(sums[i % 2], ones, out.codes[i]);
    }
    out.sum[0] = _mm512_cvtepi32_ps(_mm512_add_epi32(sums[0], sums[1]));
    out.scale[0] = load_halves(record + 512);
  }
};

[[gnu::always_inline]] inline __m512 load_unsigned_bytes(const std::uint8_t* bytes) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes))));
}

[[gnu::always_inline]] inline __m512 load_signed_bytes(const std::uint8_t* bytes) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes))));
}

[[gnu::always_inline]] inline void unpack_k_factors(const std::uint8_t* record, int block, WeightBlock& out) {
  const __m512 minimum =
      _mm512_mul_ps(load_halves(record + 32), load_unsigned_bytes(record + 192 + block * 16));
  out.scale[0] = _mm512_mul_ps(load_halves(record), load_unsigned_bytes(record + 64 + block * 16));
  out.minimum = _mm512_xor_ps(minimum, _mm512_set1_ps(-0.0f));
}

struct Packed4k {
  static constexpr PackedLayoutInfo kInfo = kPacked4k;
  static constexpr Factors kFactors = Factors::scale_and_minimum;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int block, WeightBlock& out) {
    unpack_nibbles(record + 320 + block * 256, out.codes);
    out.sum[0] = sum_small_codes<0, 8, false>(out.codes);
    unpack_k_factors(record, block, out);
  }
};

struct Packed5k {
  static constexpr PackedLayoutInfo kInfo = kPacked5k;
  static constexpr Factors kFactors = Factors::scale_and_minimum;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int block, WeightBlock& out) {
    unpack_nibbles(record + 320 + block * 256, out.codes);
    add_high_bits(record + 2368 + block * 64, out.codes);
    out.sum[0] = sum_small_codes<0, 8, false>(out.codes);
    unpack_k_factors(record, block, out);
  }
};

struct Packed6k {
  static constexpr PackedLayoutInfo kInfo = kPacked6k;
  static constexpr Factors kFactors = Factors::half_scales;
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
