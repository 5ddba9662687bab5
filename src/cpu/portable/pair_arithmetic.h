// The arithmetic of bf16 dot products as processors do it (VDPBF16PS): the odd element of a pair first, then
// the even one, each a float32 fused multiply-add; denormal numbers are zero, as inputs and as results.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace lathe::portable {

inline float flush_denormal(float x) {
  return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x;
}

/// To nearest even, denormal numbers to zero.
inline std::uint16_t round_to_pair_element(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  if (magnitude < 0x00800000u) return static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

inline float pair_element(std::uint16_t bits) {
  return flush_denormal(std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16));
}

inline float add_pair(float sum, const float (&a)[2], const float (&b)[2]) {
  const float odd = flush_denormal(std::fma(a[1], b[1], flush_denormal(sum)));
  return flush_denormal(std::fma(a[0], b[0], odd));
}

/// 2^x for x <= 0, 0 for x < -127; exact for whole numbers, else to 1e-4 of its size, which is a tenth of
/// what rounding to bf16 costs.
inline float power_of_two(float x) {
  const float bounded = -127.0f > x ? -127.0f : x;
  const float shifted = bounded + 0x1.8p23f;
  const float f = bounded - (shifted - 0x1.8p23f);
  float p = 0x1.c2a218p-5f;
  p = std::fma(p, f, 0x1.f00c4cp-3f);
  p = std::fma(p, f, 0x1.62f5fap-1f);
  p = std::fma(p, f, 1.0f);
  return flush_denormal(
      std::bit_cast<float>(std::bit_cast<std::uint32_t>(p) + (std::bit_cast<std::uint32_t>(shifted) << 23)));
}

}  // namespace lathe::portable
