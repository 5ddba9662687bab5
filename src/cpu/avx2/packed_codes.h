// Reads the packed layouts (quant/packed.h) 32 columns of 8 rows at a time into registers.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "quant/packed.h"

namespace lathe::avx2 {
namespace {

/// 32 columns of 8 rows. Lane i of a vector is row i, or row i + 8 in the second half of a group.
struct WeightBlock {
  __m256i
      codes[8];  // [columns 4k to 4k + 3][row][column], signed, bias subtracted; of packed8 the low nibbles
  __m256i high[8];  // packed8 alone: code = low + 16 * high
  __m256 scale[2];  // of columns 0 to 15 and 16 to 31; only the first unless the layout has half scales
  __m256 minimum;   // where the layout has minima
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

struct NoMinima {
  static constexpr bool kMinima = false;
  static constexpr bool kHalfScales = false;
};
struct Minima {
  static constexpr bool kMinima = true;
  static constexpr bool kHalfScales = false;
};
struct HalfScales {
  static constexpr bool kMinima = false;
  static constexpr bool kHalfScales = true;
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

/// Adds 16 where the code's bit is set.
[[gnu::always_inline]] inline void add_high_bits(const std::uint8_t* bits, int half, __m256i codes[8]) {
  const __m256i spread = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201));
  const __m256i sixteen = _mm256_set1_epi8(16);
  for (int i = 0; i < 8; ++i) {
    int four;
    __builtin_memcpy(&four, bits + 8 * i + 4 * half, sizeof four);
    const __m256i bytes = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(four), spread), bit);
    codes[i] = _mm256_or_si256(codes[i], _mm256_and_si256(_mm256_cmpeq_epi8(bytes, bit), sixteen));
  }
}

[[gnu::always_inline]] inline void subtract_bias(int bias, __m256i codes[8]) {
  const __m256i vector = _mm256_set1_epi8(static_cast<char>(bias));
  for (int i = 0; i < 8; ++i) codes[i] = _mm256_sub_epi8(codes[i], vector);
}

struct Packed4 : Four, NoMinima {
  static constexpr PackedLayoutInfo kInfo = kPacked4;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, int half, WeightBlock& out) {
    unpack_nibbles(record, half, out.codes);
    subtract_bias(8, out.codes);
    out.scale[0] = load_halves(record + 256, half);
  }
};

struct Packed4m : Four, Minima {
  static constexpr PackedLayoutInfo kInfo = kPacked4m;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, int half, WeightBlock& out) {
    unpack_nibbles(record, half, out.codes);
    out.scale[0] = load_halves(record + 256, half);
    out.minimum = load_halves(record + 288, half);
  }
};

struct Packed5 : FiveOrSix, NoMinima {
  static constexpr PackedLayoutInfo kInfo = kPacked5;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, int half, WeightBlock& out) {
    unpack_nibbles(record, half, out.codes);
    add_high_bits(record + 256, half, out.codes);
    subtract_bias(16, out.codes);
    out.scale[0] = load_halves(record + 320, half);
  }
};

struct Packed5m : FiveOrSix, Minima {
  static constexpr PackedLayoutInfo kInfo = kPacked5m;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int, int half, WeightBlock& out) {
    unpack_nibbles(record, half, out.codes);
    add_high_bits(record + 256, half, out.codes);
    out.scale[0] = load_halves(record + 320, half);
    out.minimum = load_halves(record + 352, half);
  }
};

struct Packed8 : Eight, NoMinima {
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

[[gnu::always_inline]] inline void unpack_k_factors(const std::uint8_t* record, int block, int half,
                                                    WeightBlock& out) {
  const auto bytes = [](const std::uint8_t* eight) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(eight))));
  };
  const int row = block * 16 + 8 * half;
  const __m256 minimum = _mm256_mul_ps(load_halves(record + 32, half), bytes(record + 192 + row));
  out.scale[0] = _mm256_mul_ps(load_halves(record, half), bytes(record + 64 + row));
  out.minimum = _mm256_xor_ps(minimum, _mm256_set1_ps(-0.0f));
}

struct Packed4k : Four, Minima {
  static constexpr PackedLayoutInfo kInfo = kPacked4k;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int block, int half,
                                            WeightBlock& out) {
    unpack_nibbles(record + 320 + block * 256, half, out.codes);
    unpack_k_factors(record, block, half, out);
  }
};

struct Packed5k : FiveOrSix, Minima {
  static constexpr PackedLayoutInfo kInfo = kPacked5k;
  [[gnu::always_inline]] static void unpack(const std::uint8_t* record, int block, int half,
                                            WeightBlock& out) {
    unpack_nibbles(record + 320 + block * 256, half, out.codes);
    add_high_bits(record + 2368 + block * 64, half, out.codes);
    unpack_k_factors(record, block, half, out);
  }
};

struct Packed6k : FiveOrSix, HalfScales {
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
      const std::uint8_t* scales = record + 32 + (2 * block + columns) * 16 + 8 * half;
      const __m256i codes = _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(scales)));
      out.scale[columns] = _mm256_mul_ps(load_halves(record, half), _mm256_cvtepi32_ps(codes));
    }
  }
};

}  // namespace
}  // namespace lathe::avx2
