// log(1 + e) for e in [0, 1], which is what is left of a softplus. cpu/vector/activations.h does the same
// operations on vectors, bit for bit.
//
// 2 artanh(s) with s = e / (2 + e), which is 2 s + 2 s^3 P(s^2): a minimax fit of the relative error. At most
// 2 units in the last place; 0 for 0, NaN for NaN.
#pragma once

#include <cmath>

namespace lathe::portable {

inline float log1p_f32(float e) {
  const float s = e / (2.0f + e);
  const float square = s * s;
  float p = 0x1.f1aef2p-4f;
  p = std::fma(p, square, 0x1.b6d69ep-4f);
  p = std::fma(p, square, 0x1.250972p-3f);
  p = std::fma(p, square, 0x1.9996a8p-3f);
  p = std::fma(p, square, 0x1.555558p-2f);
  const float twice = s + s;
  return std::fma(twice * square, p, twice);
}

}  // namespace lathe::portable
