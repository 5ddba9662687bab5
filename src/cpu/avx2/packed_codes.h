// Reads the packed layouts (quant/packed.h) 32 columns of 8 rows at a time into registers.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "quant/packed.h"

namespace lathe::avx2 {
namespace {

/// 32 columns of 8 rows. Lane i of a vector is row i, or row i + 8 in the second half of a group.
struct WeightBlock {
  __m256i codes[8];  // [columns 4k to 4k + 3][row][column], signed, bias subtracted; of layouts with two
                     // planes the low one
  __m256i high[8];   // of layouts with two planes: code = low + 16 * high
  __m256i
      integer_scale[2];  // of columns 0 to 15 and 16 to 31, twice 16 bits a row; of layouts that have them
  __m256 scale[2];       // of the same halves; only the first unless the layout has half scales
  __m256 minimum;        // where the layout has minima; of columns 16 to 31 where it has two
  __m256 half_minimum;   // the minimum of columns 0 to 15 less that of columns 16 to 31
};

/// How a layout is multiplied: products of u8 and s8 are summed in 16 bits over `kSteps` times 4 columns,
/// which must not overflow: 255 * the largest code * 2 * kSteps < 32768.
struct Four {
  static constexpr int kSteps = 4;
  static constexpr bool kTwoPlanes = false;
};
struct FiveOrSix {
  static constexpr int kSteps = 2;
  static constexpr bool kTwoPlanes = false;
};
struct Eight {
  static constexpr int kSteps = 4;
  static constexpr bool kTwoPlanes = true;
};
struct Table {
  static constexpr int kSteps = 8;  // -8 is the largest part of an entry
  static constexpr bool kTwoPlanes = true;
};

[[gnu::always_inline]] inline __m256i load(const std::uint8_t* bytes) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
}

/// Eight f16 of the group's 16.
[[gnu::always_inline]] inline __m256 load_halves(const std::uint8_t* bytes, int half) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + 16 * half)));
}

[[gnu::always_inline]] inline void unpack_nibbles(const std::uint8_t* bytes, int half, __m256i codes[8]) {
  const __m256i mask = _mm256_set1_epi8(15);
  for (int i = 0; i < 4; ++i) {
    const __m256i pair = load(bytes + 64 * i + 32 * half);
    codes[i] = _mm256_and_si256(pair, mask);
    codes[i + 4] = _mm256_and_si256(_mm256_srli_epi16(pair, 4), mask);
  }
}

/// Adds `value`, a bit that no code has, where the code's bit is set.
[[gnu::always_inline]] inline void add_high_bits(const std::uint8_t* bits, int half, int value,
                                                 __m256i codes[8]) {
  const __m256i spread = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201));
  const __m256i added = _mm256_set1_epi8(static_cast<char>(value));
  for (int i = 0; i < 8; ++i) {
    int four;
    __builtin_memcpy(&four, bits + 8 * i + 4 * half, sizeof four);
    const __m256i bytes = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(four), spread), bit);
    codes[i] = _mm256_or_si256(codes[i], _mm256_and_si256(_mm256_cmpeq_epi8(bytes, bit), added));
  }
}

[[gnu::always_inline]] inline void subtract_bias(int bias, __m256i codes[8]) {
  const __m256i vector = _mm256_set1_epi8(static_cast<char>(bias));
  for (int i = 0; i < 8; ++i) codes[i] = _mm256_sub_epi8(codes[i], vector);
}

struct Packed4 : Four {
  static constexpr PackedLayoutInfo kInfo = kPacked4;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, int half, WeightBlock& out) {
    unpack_nibbles(record, half, out.codes);
    subtract_bias(8, out.codes);
    out.scale[0] = load_halves(record + 256, half);
  }
};

struct Packed4m : Four {
  static constexpr PackedLayoutInfo kInfo = kPacked4m;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, int half, WeightBlock& out) {
    unpack_nibbles(record, half, out.codes);
    out.scale[0] = load_halves(record + 256, half);
    out.minimum = load_halves(record + 288, half);
  }
};

struct Packed5 : FiveOrSix {
  static constexpr PackedLayoutInfo kInfo = kPacked5;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, int half, WeightBlock& out) {
    unpack_nibbles(record, half, out.codes);
    add_high_bits(record + 256, half, 16, out.codes);
    subtract_bias(16, out.codes);
    out.scale[0] = load_halves(record + 320, half);
  }
};

struct Packed5m : FiveOrSix {
  static constexpr PackedLayoutInfo kInfo = kPacked5m;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, int half, WeightBlock& out) {
    unpack_nibbles(record, half, out.codes);
    add_high_bits(record + 256, half, 16, out.codes);
    out.scale[0] = load_halves(record + 320, half);
    out.minimum = load_halves(record + 352, half);
  }
};

struct Packed8 : Eight {
  static constexpr PackedLayoutInfo kInfo = kPacked8;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, int half, WeightBlock& out) {
    const __m256i mask = _mm256_set1_epi8(15);
    const __m256i eight = _mm256_set1_epi8(8);
    for (int i = 0; i < 8; ++i) {
      const __m256i code = load(record + 64 * i + 32 * half);
      const __m256i high =
          _mm256_and_si256(_mm256_srli_epi16(code, 4), mask);  // 4 bits, of which the top is the sign
      out.codes[i] = _mm256_and_si256(code, mask);
      out.high[i] = _mm256_sub_epi8(_mm256_xor_si256(high, eight), eight);
    }
    out.scale[0] = load_halves(record + 512, half);
  }
};

/// Eight bytes as integers.
[[gnu::always_inline]] inline __m256i load_unsigned_bytes(const std::uint8_t* bytes) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes)));
}
[[gnu::always_inline]] inline __m256i load_signed_bytes(const std::uint8_t* bytes) {
  return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes)));
}

/// A table of 16 codes for byte shuffles, and one split as value = low + 16 * high with parts from -8 to 7.
struct CodeTable {
  alignas(16) std::int8_t codes[16];
};
struct SplitTable {
  CodeTable low;
  CodeTable high;
};
constexpr SplitTable split_table(const std::int8_t values[16]) {
  SplitTable split{};
  for (int i = 0; i < 16; ++i) {
    const int high = (values[i] + 8 + 128) / 16 - 8;
    split.high.codes[i] = static_cast<std::int8_t>(high);
    split.low.codes[i] = static_cast<std::int8_t>(values[i] - 16 * high);
  }
  return split;
}
constexpr SplitTable kIq4Split = split_table(kIq4Values);

[[gnu::always_inline]] inline __m256i load_table(const std::int8_t* codes) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)));
}

/// Nibbles as indices into kIq4Values.
[[gnu::always_inline]] inline void unpack_iq4(const std::uint8_t* bytes, int half, WeightBlock& out) {
  const __m256i low = load_table(kIq4Split.low.codes);
  const __m256i high = load_table(kIq4Split.high.codes);
  __m256i indices[8];
  unpack_nibbles(bytes, half, indices);
  for (int i = 0; i < 8; ++i) {
    out.codes[i] = _mm256_shuffle_epi8(low, indices[i]);
    out.high[i] = _mm256_shuffle_epi8(high, indices[i]);
  }
}

struct Packed4t : Table {
  static constexpr PackedLayoutInfo kInfo = kPacked4t;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, int half, WeightBlock& out) {
    unpack_iq4(record, half, out);
    out.scale[0] = load_halves(record + 256, half);
  }
};

/// half_of_e8m0() of 8 exponents.
[[gnu::always_inline]] inline __m256 load_exponents(const std::uint8_t* bytes) {
  const __m256i exponent = load_unsigned_bytes(bytes);
  const __m256i normal = _mm256_slli_epi32(_mm256_sub_epi32(exponent, _mm256_set1_epi32(1)), 23);
  const __m256i subnormal = _mm256_sllv_epi32(_mm256_set1_epi32(0x200000), exponent);
  const __m256i is_normal = _mm256_cmpgt_epi32(exponent, _mm256_set1_epi32(1));
  return _mm256_castsi256_ps(_mm256_blendv_epi8(subnormal, normal, is_normal));
}

struct Packed4x : Four {
  static constexpr PackedLayoutInfo kInfo = kPacked4x;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, int half, WeightBlock& out) {
    const __m256i table = load_table(kE2m1Doubled);
    unpack_nibbles(record, half, out.codes);
    for (int i = 0; i < 8; ++i) out.codes[i] = _mm256_shuffle_epi8(table, out.codes[i]);
    out.scale[0] = load_exponents(record + 256 + 8 * half);
  }
};

struct Packed4tk : Table {
  static constexpr PackedLayoutInfo kInfo = kPacked4tk;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int block, int half,
                                            WeightBlock& out) {
    unpack_iq4(record + 160 + block * 256, half, out);
    const __m256i scale = load_signed_bytes(record + 32 + block * 16 + 8 * half);
    out.scale[0] = _mm256_mul_ps(load_halves(record, half), _mm256_cvtepi32_ps(scale));
  }
};

[[gnu::always_inline]] inline void unpack_two_bits(const std::uint8_t* bytes, int half, __m256i codes[8]) {
  const __m256i mask = _mm256_set1_epi8(3);
  for (int i = 0; i < 2; ++i) {
    const __m256i four = load(bytes + 64 * i + 32 * half);
    const __m256i bits[4] = {four, _mm256_srli_epi16(four, 2), _mm256_srli_epi16(four, 4),
                             _mm256_srli_epi16(four, 6)};
    for (int k = 0; k < 4; ++k) codes[2 * k + i] = _mm256_and_si256(bits[k], mask);
  }
}

/// Each integer of 16 bits twice.
[[gnu::always_inline]] inline __m256i twice(__m256i integers) {
  return _mm256_blend_epi16(integers, _mm256_slli_epi32(integers, 16), 0xaa);
}

struct Packed2k : Four {
  static constexpr PackedLayoutInfo kInfo = kPacked2k;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int block, int half,
                                            WeightBlock& out) {
    unpack_two_bits(record + 320 + block * 128, half, out.codes);
    __m256i minima[2];
    for (int columns = 0; columns < 2; ++columns) {
      const __m256i factors = load_unsigned_bytes(record + 64 + (2 * block + columns) * 16 + 8 * half);
      out.integer_scale[columns] = twice(_mm256_and_si256(factors, _mm256_set1_epi32(15)));
      minima[columns] = _mm256_srli_epi32(factors, 4);
    }
    out.scale[0] = load_halves(record, half);
    const __m256 dmin = load_halves(record + 32, half);
    const __m256 sign = _mm256_set1_ps(-0.0f);
    const __m256i difference = _mm256_sub_epi32(minima[0], minima[1]);
    out.minimum = _mm256_xor_ps(_mm256_mul_ps(dmin, _mm256_cvtepi32_ps(minima[1])), sign);
    out.half_minimum = _mm256_xor_ps(_mm256_mul_ps(dmin, _mm256_cvtepi32_ps(difference)), sign);
  }
};

struct Packed3k : Four {
  static constexpr PackedLayoutInfo kInfo = kPacked3k;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int block, int half,
                                            WeightBlock& out) {
    unpack_two_bits(record + 288 + block * 128, half, out.codes);
    add_high_bits(record + 1312 + block * 64, half, 4, out.codes);
    subtract_bias(4, out.codes);
    for (int columns = 0; columns < 2; ++columns) {
      const __m256i scale = load_unsigned_bytes(record + 32 + (2 * block + columns) * 16 + 8 * half);
      out.integer_scale[columns] = twice(_mm256_sub_epi32(_mm256_set1_epi32(32), scale));
    }
    out.scale[0] = _mm256_xor_ps(load_halves(record, half), _mm256_set1_ps(-0.0f));
  }
};

[[gnu::always_inline]] inline void unpack_k_factors(const std::uint8_t* record, int block, int half,
                                                    WeightBlock& out) {
  const auto bytes = [](const std::uint8_t* eight) { return _mm256_cvtepi32_ps(load_unsigned_bytes(eight)); };
  const int row = block * 16 + 8 * half;
  const __m256 minimum = _mm256_mul_ps(load_halves(record + 32, half), bytes(record + 192 + row));
  out.scale[0] = _mm256_mul_ps(load_halves(record, half), bytes(record + 64 + row));
  out.minimum = _mm256_xor_ps(minimum, _mm256_set1_ps(-0.0f));
}

struct Packed4k : Four {
  static constexpr PackedLayoutInfo kInfo = kPacked4k;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int block, int half,
                                            WeightBlock& out) {
    unpack_nibbles(record + 320 + block * 256, half, out.codes);
    unpack_k_factors(record, block, half, out);
  }
};

struct Packed5k : FiveOrSix {
  static constexpr PackedLayoutInfo kInfo = kPacked5k;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int block, int half,
                                            WeightBlock& out) {
    unpack_nibbles(record + 320 + block * 256, half, out.codes);
    add_high_bits(record + 2368 + block * 64, half, 16, out.codes);
    unpack_k_factors(record, block, half, out);
  }
};

struct Packed6k : FiveOrSix {
  static constexpr PackedLayoutInfo kInfo = kPacked6k;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int block, int half,
                                            WeightBlock& out) {
    unpack_nibbles(record + 288 + block * 256, half, out.codes);
    const __m256i mask = _mm256_set1_epi8(0x30);
    for (int i = 0; i < 2; ++i) {  // bits 0-1, 2-3, 4-5 and 6-7 go to bits 4-5
      const __m256i high = load(record + 2336 + block * 128 + 64 * i + 32 * half);
      const __m256i bits[4] = {_mm256_slli_epi16(high, 4), _mm256_slli_epi16(high, 2), high,
                               _mm256_srli_epi16(high, 2)};
      for (int k = 0; k < 4; ++k)
        out.codes[2 * k + i] = _mm256_or_si256(out.codes[2 * k + i], _mm256_and_si256(bits[k], mask));
    }
    subtract_bias(32, out.codes);
    for (int columns = 0; columns < 2; ++columns) {
      const __m256i scale = load_signed_bytes(record + 32 + (2 * block + columns) * 16 + 8 * half);
      out.scale[columns] = _mm256_mul_ps(load_halves(record, half), _mm256_cvtepi32_ps(scale));
    }
  }
};

}  // namespace
}  // namespace lathe::avx2
