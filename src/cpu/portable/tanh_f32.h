// The hyperbolic tangent of every kernel. cpu/vector/functions.h does the same operations on vectors, bit for
// bit.
//
// Below 0.625: x + x^3 P(x^2), a minimax fit of the relative error; from there on 1 - 2 / (exp(2x) + 1). At
// most 2 units in the last place; odd; exactly 1 where exp(2x) swallows the 1 or is infinite; NaN for NaN.
#pragma once

#include <cmath>

#include "cpu/portable/exp_f32.h"

namespace lathe::portable {

inline float tanh_f32(float x) {
  const float magnitude = std::fabs(x);
  const float square = magnitude * magnitude;
  float p = -0x1.75e1cep-8f;
  p = std::fma(p, square, 0x1.52269cp-6f);
  p = std::fma(p, square, -0x1.b83c5ap-5f);
  p = std::fma(p, square, 0x1.110726p-3f);
  p = std::fma(p, square, -0x1.555532p-2f);
  const float near = std::fma(magnitude * square, p, magnitude);
  const float far = 1.0f - 2.0f / (exp_f32(magnitude + magnitude) + 1.0f);
  return std::copysign(magnitude < 0.625f ? near : far, x);
}

}  // namespace lathe::portable
