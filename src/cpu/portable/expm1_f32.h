// exp(x) - 1, as Elu and its like take it. cpu/vector/activations.h does the same operations on vectors, bit
// for bit.
//
// Up to 0.5 from 0: x + x^2 P(x), a minimax fit of the relative error; farther away the difference. At most
// 3 units in the last place; -1 for minus infinity, NaN for NaN.
#pragma once

#include <cmath>

#include "cpu/portable/exp_f32.h"

namespace lathe::portable {

inline float expm1_f32(float x) {
  float p = 0x1.a33fb6p-13f;
  p = std::fma(p, x, 0x1.6eefb2p-10f);
  p = std::fma(p, x, 0x1.110eeep-7f);
  p = std::fma(p, x, 0x1.55527ep-5f);
  p = std::fma(p, x, 0x1.555558p-3f);
  p = std::fma(p, x, 0x1.000002p-1f);
  const float near = std::fma(x * x, p, x);
  return 0.5f < std::fabs(x) ? exp_f32(x) - 1.0f : near;
}

}  // namespace lathe::portable
