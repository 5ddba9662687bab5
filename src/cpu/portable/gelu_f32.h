// Both forms of GELU for every kernel, as cpu/gelu_table.h describes them. cpu/vector/functions.h does the
// same operations on vectors, bit for bit.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "cpu/gelu_table.h"

namespace lathe::portable {

inline float gelu_f32(float x, const gelu_table::Coefficients& coefficients) {
  const float magnitude = std::fabs(x);
  const float bounded = gelu_table::kLastMiddle < magnitude ? gelu_table::kLastMiddle : magnitude;
  const float shifted = std::fma(bounded, gelu_table::kPiecesPerUnit, gelu_table::kRound);
  const float distance = std::fma(shifted - gelu_table::kRound, -gelu_table::kPieceLength, bounded);
  const auto piece = std::bit_cast<std::uint32_t>(shifted) % gelu_table::kPieces;
  float p = coefficients.terms[0][piece];
  for (int i = 1; i < gelu_table::kTerms; ++i) p = std::fma(p, distance, coefficients.terms[i][piece]);
  return std::fma(magnitude, p, 0.5f * x);
}

inline float gelu_erf_f32(float x) { return gelu_f32(x, gelu_table::kExact); }

inline float gelu_tanh_f32(float x) { return gelu_f32(x, gelu_table::kTanhForm); }

}  // namespace lathe::portable
