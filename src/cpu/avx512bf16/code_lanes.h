// Codes of the cache in 16 lanes (backend/cache_layout.h). avx2/code_lanes.h has the same functions, which
// give the same bits.
#pragma once

#include "backend/cache_layout.h"
#include "cpu/avx512bf16/pairs.h"

namespace lathe::avx512bf16 {
namespace {

struct Words {
  __m512i lanes;
};

/// 16 signed bytes as floats.
[[gnu::always_inline]] inline Vector signed_codes(Pairs, const std::uint8_t* codes) {
  return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes))))};
}

/// 16 bytes, a word each.
[[gnu::always_inline]] inline Words byte_words(Pairs, const std::uint8_t* codes) {
  return {_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)))};
}
/// The low four bits of each word as floats.
[[gnu::always_inline]] inline Vector low_codes(Words words) {
  const __m512 numbers = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return {_mm512_permutexvar_ps(words.lanes, numbers)};
}
[[gnu::always_inline]] inline Vector high_codes(Words words) {
  return low_codes({_mm512_srli_epi32(words.lanes, 4)});
}

/// Eight bytes, each in two lanes: in the first its lowest bits, in the second those from bit 4 on.
[[gnu::always_inline]] inline Words fifth_bits(Pairs, const std::uint8_t* eight) {
  const __m512i wide = _mm512_cvtepu8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(eight)));
  return {_mm512_or_si512(wide, _mm512_slli_epi64(wide, 28))};
}
/// Codes plus 16 where the bit is set.
template <int kBit>
[[gnu::always_inline]] inline Vector with_fifth(Vector codes, Words fifths) {
  const __mmask16 set = _mm512_test_epi32_mask(fifths.lanes, _mm512_set1_epi32(1 << kBit));
  return {_mm512_mask_add_ps(codes.lanes, set, codes.lanes, _mm512_set1_ps(16.0f))};
}

/// Eight words, each twice.
[[gnu::always_inline]] inline Words repeat_each(Pairs, const std::uint16_t* eight) {
  const __m512i wide = _mm512_cvtepu16_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i*>(eight)));
  return {_mm512_or_si512(wide, _mm512_slli_epi64(wide, 32))};
}
/// Two words in turn.
[[gnu::always_inline]] inline Words alternate(Pairs, const std::uint16_t* two) {
  std::uint32_t both;
  __builtin_memcpy(&both, two, sizeof both);
  const __m512i words =
      _mm512_set1_epi64(static_cast<std::int64_t>((both & 0xffff) | std::uint64_t{both >> 16} << 32));
  return {words};
}

/// Of 8-bit codes.
[[gnu::always_inline]] inline Vector scales_of(Words words) {
  return {_mm512_cvtph_ps(_mm512_cvtepi32_epi16(words.lanes))};
}

/// Of codes with a zero point: value = scale * code + offset.
struct Steps {
  Vector scale;
  Vector offset;
};
[[gnu::always_inline]] inline Steps steps_of(Words words, float zero_factor) {
  const __m512i byte = _mm512_and_si512(words.lanes, _mm512_set1_epi32(0xff));
  const __m512i bits = _mm512_add_epi32(_mm512_slli_epi32(byte, kStepShift), _mm512_set1_epi32(kStepBase));
  const __m512 scale = _mm512_mul_ps(_mm512_castsi512_ps(bits), _mm512_set1_ps(kStepFactor));
  const __m512 zero = _mm512_cvtepi32_ps(_mm512_srli_epi32(words.lanes, 8));
  return {{scale}, {_mm512_mul_ps(scale, _mm512_mul_ps(zero, _mm512_set1_ps(zero_factor)))}};
}

}  // namespace
}  // namespace lathe::avx512bf16
