// Reads the packed layouts (quant/packed.h) 32 columns of 16 rows at a time into the form that the matmul
// multiplies.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "quant/packed.h"

namespace lathe::avx2 {
namespace {

/// 32 columns of 16 rows, unpacked. Codes are interleaved, [column / 4][16 rows][4 columns], with the bias
/// subtracted.
struct alignas(32) WeightBlock {
  std::int8_t codes[512];  // of packed8 the low nibbles: code = low + 16 * high
  std::int8_t high[512];   // packed8 alone
  float scale[2][16];  // of columns 0 to 15 and 16 to 31; only the first unless the layout has half scales
  float sum[2][16];    // of the codes, likewise
  float minimum[16];   // where the layout has minima
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

[[gnu::always_inline]] inline __m256i load(const void* bytes) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(bytes));
}

[[gnu::always_inline]] inline void store(void* bytes, __m256i value) {
  _mm256_store_si256(static_cast<__m256i*>(bytes), value);
}

[[gnu::always_inline]] inline __m256 load_halves(const std::uint8_t* bytes) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
}

[[gnu::always_inline]] inline void convert_halves(const std::uint8_t* bytes, float* out) {
  for (int i = 0; i < 2; ++i) _mm256_store_ps(out + 8 * i, load_halves(bytes + 16 * i));
}

/// bias is subtracted; it is 0 in layouts with high bits, which subtract later.
[[gnu::always_inline]] inline void unpack_nibbles(const std::uint8_t* bytes, int bias, std::int8_t* codes) {
  const __m256i mask = _mm256_set1_epi8(15);
  const __m256i offset = _mm256_set1_epi8(static_cast<char>(bias));
  for (int i = 0; i < 8; ++i) {
    const __m256i pair = load(bytes + 32 * i);
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(pair, 4), mask);
    store(codes + 32 * i, _mm256_sub_epi8(_mm256_and_si256(pair, mask), offset));
    store(codes + 256 + 32 * i, _mm256_sub_epi8(high, offset));
  }
}

/// Adds 16 where the code's bit is set, then subtracts the bias.
[[gnu::always_inline]] inline void add_high_bits(const std::uint8_t* bits, int bias, std::int8_t* codes) {
  const __m256i spread = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201));
  const __m256i sixteen = _mm256_set1_epi8(16);
  const __m256i offset = _mm256_set1_epi8(static_cast<char>(bias));
  for (int i = 0; i < 16; ++i) {
    int four;
    __builtin_memcpy(&four, bits + 4 * i, sizeof four);
    const __m256i bytes = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(four), spread), bit);
    const __m256i high = _mm256_and_si256(_mm256_cmpeq_epi8(bytes, bit), sixteen);
    const __m256i code = _mm256_add_epi8(load(codes + 32 * i), high);
    store(codes + 32 * i, _mm256_sub_epi8(code, offset));
  }
}

struct Packed4 : Four, NoMinima {
  static constexpr PackedLayoutInfo kInfo = kPacked4;
  static void unpack(const std::uint8_t* record, int, WeightBlock& out) {
    unpack_nibbles(record, 8, out.codes);
    convert_halves(record + 256, out.scale[0]);
  }
};

struct Packed4m : Four, Minima {
  static constexpr PackedLayoutInfo kInfo = kPacked4m;
  static void unpack(const std::uint8_t* record, int, WeightBlock& out) {
    unpack_nibbles(record, 0, out.codes);
    convert_halves(record + 256, out.scale[0]);
    convert_halves(record + 288, out.minimum);
  }
};

struct Packed5 : FiveOrSix, NoMinima {
  static constexpr PackedLayoutInfo kInfo = kPacked5;
  static void unpack(const std::uint8_t* record, int, WeightBlock& out) {
    unpack_nibbles(record, 0, out.codes);
    add_high_bits(record + 256, 16, out.codes);
    convert_halves(record + 320, out.scale[0]);
  }
};

struct Packed5m : FiveOrSix, Minima {
  static constexpr PackedLayoutInfo kInfo = kPacked5m;
  static void unpack(const std::uint8_t* record, int, WeightBlock& out) {
    unpack_nibbles(record, 0, out.codes);
    add_high_bits(record + 256, 0, out.codes);
    convert_halves(record + 320, out.scale[0]);
    convert_halves(record + 352, out.minimum);
  }
};

struct Packed8 : Eight, NoMinima {
  static constexpr PackedLayoutInfo kInfo = kPacked8;
  static void unpack(const std::uint8_t* record, int, WeightBlock& out) {
    const __m256i mask = _mm256_set1_epi8(15);
    const __m256i eight = _mm256_set1_epi8(8);
    for (int i = 0; i < 16; ++i) {
      const __m256i code = load(record + 32 * i);
      const __m256i high =
          _mm256_and_si256(_mm256_srli_epi16(code, 4), mask);  // 4 bits, of which the top is the sign
      store(out.codes + 32 * i, _mm256_and_si256(code, mask));
      store(out.high + 32 * i, _mm256_sub_epi8(_mm256_xor_si256(high, eight), eight));
    }
    convert_halves(record + 512, out.scale[0]);
  }
};

[[gnu::always_inline]] inline void unpack_k_factors(const std::uint8_t* record, int block, WeightBlock& out) {
  const auto bytes = [](const std::uint8_t* eight) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(eight))));
  };
  for (int i = 0; i < 2; ++i) {
    const int row = block * 16 + 8 * i;
    const __m256 minimum = _mm256_mul_ps(load_halves(record + 32 + 16 * i), bytes(record + 192 + row));
    _mm256_store_ps(out.scale[0] + 8 * i,
                    _mm256_mul_ps(load_halves(record + 16 * i), bytes(record + 64 + row)));
    _mm256_store_ps(out.minimum + 8 * i, _mm256_xor_ps(minimum, _mm256_set1_ps(-0.0f)));
  }
}

struct Packed4k : Four, Minima {
  static constexpr PackedLayoutInfo kInfo = kPacked4k;
  static void unpack(const std::uint8_t* record, int block, WeightBlock& out) {
    unpack_nibbles(record + 320 + block * 256, 0, out.codes);
    unpack_k_factors(record, block, out);
  }
};

struct Packed5k : FiveOrSix, Minima {
  static constexpr PackedLayoutInfo kInfo = kPacked5k;
  static void unpack(const std::uint8_t* record, int block, WeightBlock& out) {
    unpack_nibbles(record + 320 + block * 256, 0, out.codes);
    add_high_bits(record + 2368 + block * 64, 0, out.codes);
    unpack_k_factors(record, block, out);
  }
};

struct Packed6k : FiveOrSix, HalfScales {
  static constexpr PackedLayoutInfo kInfo = kPacked6k;
  static void unpack(const std::uint8_t* record, int block, WeightBlock& out) {
    unpack_nibbles(record + 288 + block * 256, 0, out.codes);
    const __m256i mask = _mm256_set1_epi8(0x30);
    const __m256i bias = _mm256_set1_epi8(32);
    for (int i = 0; i < 4; ++i) {  // bits 0-1, 2-3, 4-5 and 6-7 go to bits 4-5
      const __m256i high = load(record + 2336 + block * 128 + 32 * i);
      const __m256i bits[4] = {_mm256_slli_epi16(high, 4), _mm256_slli_epi16(high, 2), high,
                               _mm256_srli_epi16(high, 2)};
      for (int k = 0; k < 4; ++k) {
        std::int8_t* codes = out.codes + 128 * k + 32 * i;
        store(codes, _mm256_sub_epi8(_mm256_or_si256(load(codes), _mm256_and_si256(bits[k], mask)), bias));
      }
    }
    for (int half = 0; half < 2; ++half)
      for (int i = 0; i < 2; ++i) {
        const std::uint8_t* scales = record + 32 + (2 * block + half) * 16 + 8 * i;
        const __m256i codes = _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(scales)));
        _mm256_store_ps(out.scale[half] + 8 * i,
                        _mm256_mul_ps(load_halves(record + 16 * i), _mm256_cvtepi32_ps(codes)));
      }
  }
};

}  // namespace
}  // namespace lathe::avx2
