// Codes of the cache in 16 lanes (backend/cache_layout.h). avx512bf16/code_lanes.h has the same functions,
// which give the same bits.
#pragma once

#include "backend/cache_layout.h"
#include "cpu/avx2/pairs.h"

namespace lathe::avx2 {
namespace {

struct Words {
  __m256i low;
  __m256i high;
};

[[gnu::always_inline]] inline __m128i eight_bytes(const std::uint8_t* bytes) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes));
}

/// 16 signed bytes as floats.
[[gnu::always_inline]] inline Vector signed_codes(Pairs, const std::uint8_t* codes) {
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight_bytes(codes))),
          _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight_bytes(codes + 8)))};
}

/// 16 bytes, a word each.
[[gnu::always_inline]] inline Words byte_words(Pairs, const std::uint8_t* codes) {
  return {_mm256_cvtepu8_epi32(eight_bytes(codes)), _mm256_cvtepu8_epi32(eight_bytes(codes + 8))};
}
/// The low four bits of each word as floats.
[[gnu::always_inline]] inline Vector low_codes(Words words) {
  const __m256i mask = _mm256_set1_epi32(15);
  return {_mm256_cvtepi32_ps(_mm256_and_si256(words.low, mask)),
          _mm256_cvtepi32_ps(_mm256_and_si256(words.high, mask))};
}
[[gnu::always_inline]] inline Vector high_codes(Words words) {
  return low_codes({_mm256_srli_epi32(words.low, 4), _mm256_srli_epi32(words.high, 4)});
}

/// Eight bytes, each in two lanes: in the first its lowest bits, in the second those from bit 4 on.
[[gnu::always_inline]] inline Words fifth_bits(Pairs, const std::uint8_t* eight) {
  const __m128i bytes = eight_bytes(eight);
  const __m128i both = _mm_unpacklo_epi8(bytes, _mm_srli_epi16(bytes, 4));
  return {_mm256_cvtepu8_epi32(both), _mm256_cvtepu8_epi32(_mm_srli_si128(both, 8))};
}
/// Codes plus 16 where the bit is set.
template <int kBit>
[[gnu::always_inline]] inline Vector with_fifth(Vector codes, Words fifths) {
  const __m256i bit = _mm256_set1_epi32(1 << kBit);
  const auto part = [bit](__m256i words) {
    const __m256i set = _mm256_cmpeq_epi32(_mm256_and_si256(words, bit), bit);
    return _mm256_and_ps(_mm256_castsi256_ps(set), _mm256_set1_ps(16.0f));
  };
  return {_mm256_add_ps(codes.low, part(fifths.low)), _mm256_add_ps(codes.high, part(fifths.high))};
}

/// Eight words, each twice.
[[gnu::always_inline]] inline Words repeat_each(Pairs, const std::uint16_t* eight) {
  const __m128i words = _mm_loadu_si128(reinterpret_cast<const __m128i*>(eight));
  return {_mm256_cvtepu16_epi32(_mm_unpacklo_epi16(words, words)),
          _mm256_cvtepu16_epi32(_mm_unpackhi_epi16(words, words))};
}
/// Two words in turn.
[[gnu::always_inline]] inline Words alternate(Pairs, const std::uint16_t* two) {
  std::int32_t both;
  __builtin_memcpy(&both, two, sizeof both);
  const __m256i words = _mm256_cvtepu16_epi32(_mm_set1_epi32(both));
  return {words, words};
}

/// Of 8-bit codes.
[[gnu::always_inline]] inline Vector scales_of(Words words) {
  const __m256i halves = _mm256_permute4x64_epi64(_mm256_packus_epi32(words.low, words.high), 0xd8);
  return {_mm256_cvtph_ps(_mm256_castsi256_si128(halves)),
          _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1))};
}

/// Of codes with a zero point: value = scale * code + offset.
struct Steps {
  Vector scale;
  Vector offset;
};
[[gnu::always_inline]] inline Steps steps_of(Words words, float zero_factor) {
  const auto scale = [](__m256i half) {
    const __m256i byte = _mm256_and_si256(half, _mm256_set1_epi32(0xff));
    const __m256i bits = _mm256_add_epi32(_mm256_slli_epi32(byte, kStepShift), _mm256_set1_epi32(kStepBase));
    return _mm256_mul_ps(_mm256_castsi256_ps(bits), _mm256_set1_ps(kStepFactor));
  };
  const auto zero = [zero_factor](__m256i half) {
    return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_srli_epi32(half, 8)), _mm256_set1_ps(zero_factor));
  };
  const Vector scales = {scale(words.low), scale(words.high)};
  return {scales, scales * Vector{zero(words.low), zero(words.high)}};
}

}  // namespace
}  // namespace lathe::avx2
