// The error function of every kernel. cpu/vector/functions.h does the same operations on vectors, bit for
// bit.
//
// Below 1: x + x P(x^2). From 1 on: 1 - exp(-x Q(x)), where Q is the fit of -log(erfc(x)) / x on [1, 4]; from
// 4 on the result is 1. Both are minimax fits of the relative error. At most 2 units in the last place; odd;
// NaN for NaN.
#pragma once

#include <cmath>

#include "cpu/portable/exp_f32.h"

namespace lathe::portable {

inline float erf_f32(float x) {
  const float magnitude = std::fabs(x);
  const float square = magnitude * magnitude;
  float p = 0x1.496a58p-14f;
  p = std::fma(p, square, -0x1.a3f71p-11f);
  p = std::fma(p, square, 0x1.5405b4p-8f);
  p = std::fma(p, square, -0x1.b7f90ep-6f);
  p = std::fma(p, square, 0x1.ce2cf8p-4f);
  p = std::fma(p, square, -0x1.81273ep-2f);
  p = std::fma(p, square, 0x1.06eba8p-3f);
  const float near = std::fma(magnitude, p, magnitude);
  const float bounded = 4.0f < magnitude ? 4.0f : magnitude;
  float q = 0x1.d47f06p-17f;
  q = std::fma(q, bounded, -0x1.6f9ee2p-12f);
  q = std::fma(q, bounded, 0x1.ec7fc6p-9f);
  q = std::fma(q, bounded, -0x1.896178p-6f);
  q = std::fma(q, bounded, 0x1.b459b2p-4f);
  q = std::fma(q, bounded, 0x1.451abap-1f);
  q = std::fma(q, bounded, 0x1.20f21cp+0f);
  const float far = 1.0f - exp_f32(-(bounded * q));
  return std::copysign(magnitude < 1.0f ? near : far, x);
}

}  // namespace lathe::portable
