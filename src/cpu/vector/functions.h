// GELU, tanh and erf of 16 lanes: portable/gelu_f32.h, portable/tanh_f32.h and portable/erf_f32.h, the same
// operations.
#pragma once

#include "cpu/gelu_table.h"
#include "cpu/vector/call.h"

namespace lathe::vector {

/// The polynomial whose coefficients are given from the highest power down.
template <class V, int kCount>
[[gnu::always_inline]] inline V polynomial(V x, const float (&coefficients)[kCount]) {
  V p = broadcast(V{}, coefficients[0]);
#pragma GCC unroll 8
  for (int i = 1; i < kCount; ++i) p = fma(p, x, broadcast(V{}, coefficients[i]));
  return p;
}

template <class V>
[[gnu::always_inline]] inline V gelu(V x, const gelu_table::Coefficients& coefficients) {
  const V round = broadcast(V{}, gelu_table::kRound);
  const V magnitude = with_sign(x, broadcast(V{}, 1.0f));
  const V bounded = lesser(broadcast(V{}, gelu_table::kLastMiddle), magnitude);
  const V shifted = fma(bounded, broadcast(V{}, gelu_table::kPiecesPerUnit), round);
  const V distance = fma(shifted - round, broadcast(V{}, -gelu_table::kPieceLength), bounded);
  V p = lookup(load(V{}, coefficients.terms[0]), shifted);
#pragma GCC unroll 8
  for (int i = 1; i < gelu_table::kTerms; ++i)
    p = fma(p, distance, lookup(load(V{}, coefficients.terms[i]), shifted));
  return fma(magnitude, p, broadcast(V{}, 0.5f) * x);
}

template <class V>
[[gnu::always_inline]] inline V hyperbolic_tangent(V x) {
  constexpr float kNear[] = {-0x1.75e1cep-8f, 0x1.52269cp-6f, -0x1.b83c5ap-5f, 0x1.110726p-3f,
                             -0x1.555532p-2f};
  const V one = broadcast(V{}, 1.0f);
  const V two = broadcast(V{}, 2.0f);
  const V magnitude = with_sign(x, one);
  const V square = magnitude * magnitude;
  const V near = fma(magnitude * square, polynomial(square, kNear), magnitude);
  const V far = one - two / (exp(magnitude + magnitude) + one);
  return with_sign(where_less(magnitude, broadcast(V{}, 0.625f), near, far), x);
}

template <class V>
[[gnu::always_inline]] inline V error_function(V x) {
  constexpr float kNear[] = {0x1.496a58p-14f, -0x1.a3f71p-11f, 0x1.5405b4p-8f, -0x1.b7f90ep-6f,
                             0x1.ce2cf8p-4f,  -0x1.81273ep-2f, 0x1.06eba8p-3f};
  constexpr float kFar[] = {0x1.d47f06p-17f, -0x1.6f9ee2p-12f, 0x1.ec7fc6p-9f, -0x1.896178p-6f,
                            0x1.b459b2p-4f,  0x1.451abap-1f,   0x1.20f21cp+0f};
  const V one = broadcast(V{}, 1.0f);
  const V magnitude = with_sign(x, one);
  const V near = fma(magnitude, polynomial(magnitude * magnitude, kNear), magnitude);
  const V bounded = lesser(broadcast(V{}, 4.0f), magnitude);
  const V far = one - exp(-(bounded * polynomial(bounded, kFar)));
  return with_sign(where_less(magnitude, one, near, far), x);
}

}  // namespace lathe::vector
