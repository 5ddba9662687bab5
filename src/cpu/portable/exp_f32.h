// The one exponential of every kernel. avx2/ and avx512/ do the same operations on vectors, bit for bit.
//
// x = n ln 2 + r with n the nearest integer and r within ln 2 / 2, then exp(x) = 2^n exp(r). The polynomial
// is the minimax fit of degree 6 with fixed first two coefficients. At most 1 unit in the last place for
// results that are normal numbers; 0 below them, infinity above the greatest, NaN for NaN.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace lathe::portable {

inline constexpr float kExpLowest = -87.33654f;  // the result would not be a normal number below
inline constexpr float kExpHighest = 88.72283f;  // nor above

inline float exp_f32(float x) {
  constexpr float kRound = 0x1.8p23f;  // adding it leaves the nearest integer in the low bits
  const float shifted = std::fma(x, 0x1.715476p+0f, kRound);
  const float n = shifted - kRound;
  const float r = std::fma(n, 0x1.05c610p-29f, std::fma(n, -0x1.62e430p-1f, x));
  float p = 0x1.6a241ap-10f;
  p = std::fma(p, r, 0x1.1239f2p-7f);
  p = std::fma(p, r, 0x1.5558f2p-5f);
  p = std::fma(p, r, 0x1.555492p-3f);
  p = std::fma(p, r, 0x1.fffffcp-2f);
  p = std::fma(p, r, 1.0f);
  p = std::fma(p, r, 1.0f);
  const std::uint32_t exponent = std::bit_cast<std::uint32_t>(shifted) << 23;
  const float scaled = std::bit_cast<float>(std::bit_cast<std::uint32_t>(p) + exponent);
  if (x < kExpLowest) return 0.0f;
  if (x > kExpHighest) return std::numeric_limits<float>::infinity();
  return scaled;
}

}  // namespace lathe::portable
