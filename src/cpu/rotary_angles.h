// Cosines and sines of rotary embeddings, written so that compilers turn the loop into vectors of whatever
// width: no branch, no call where the processor has fused multiply-adds, and the same bits everywhere. Of
// internal linkage, so that ISA files may include it.
//
// angle = n pi/2 + r with n the nearest integer, pi/2 as the sum of two doubles, |r| <= pi/4; the Taylor
// polynomials of r to degrees 13 and 14 are within 3e-14. So before it is rounded to float32 a value is
// within 1e-13 of that of the double angle.
#pragma once

#include <bit>
#include <cstdint>

namespace lathe::rotary_angles {
namespace {

struct Rotation {
  double cosine;
  double sine;
};

[[gnu::always_inline]] inline double with_sign_bit(double x, std::uint64_t bit) {
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(x) ^ (bit << 63));
}

[[gnu::always_inline]] inline Rotation rotation_by(double angle) {
  constexpr double kRound = 0x1.8p52;  // adding it leaves the nearest integer in the low bits
  const double shifted = __builtin_fma(angle, 0x1.45f306dc9c883p-1, kRound);
  const double n = shifted - kRound;
  const double r = __builtin_fma(n, -0x1.1a62633145c07p-54, __builtin_fma(n, -0x1.921fb54442d18p+0, angle));
  const double square = r * r;
  double s = 1.0 / 6227020800.0;
  s = __builtin_fma(s, square, -1.0 / 39916800.0);
  s = __builtin_fma(s, square, 1.0 / 362880.0);
  s = __builtin_fma(s, square, -1.0 / 5040.0);
  s = __builtin_fma(s, square, 1.0 / 120.0);
  s = __builtin_fma(s, square, -1.0 / 6.0);
  const double sine = __builtin_fma(s * square, r, r);
  double c = -1.0 / 87178291200.0;
  c = __builtin_fma(c, square, 1.0 / 479001600.0);
  c = __builtin_fma(c, square, -1.0 / 3628800.0);
  c = __builtin_fma(c, square, 1.0 / 40320.0);
  c = __builtin_fma(c, square, -1.0 / 720.0);
  c = __builtin_fma(c, square, 1.0 / 24.0);
  c = __builtin_fma(c, square, -0.5);
  const double cosine = __builtin_fma(c, square, 1.0);
  const auto quarter = std::bit_cast<std::uint64_t>(shifted);  // its low two bits
  const bool odd = (quarter & 1) != 0;
  return {with_sign_bit(odd ? sine : cosine, (quarter + 1) >> 1 & 1),
          with_sign_bit(odd ? cosine : sine, quarter >> 1 & 1)};
}

/// The pairs' cosines, then their sines, times `magnitude`. `frequencies` and `row` do not overlap.
[[gnu::always_inline]] inline void fill_row(double position, const double* frequencies, std::int64_t pairs,
                                            double magnitude, float* row) {
  constexpr std::int64_t kPairs = 64;  // at once: arrays of known length do not overlap
  for (std::int64_t first = 0; first < pairs; first += kPairs) {
    const std::int64_t count = pairs - first < kPairs ? pairs - first : kPairs;
    float cosines[kPairs];
    float sines[kPairs];
    for (std::int64_t i = 0; i < count; ++i) {
      const Rotation rotation = rotation_by(position * frequencies[first + i]);
      cosines[i] = static_cast<float>(rotation.cosine * magnitude);
      sines[i] = static_cast<float>(rotation.sine * magnitude);
    }
    const auto bytes = static_cast<std::size_t>(count) * sizeof(float);
    __builtin_memcpy(row + first, cosines, bytes);
    __builtin_memcpy(row + pairs + first, sines, bytes);
  }
}

}  // namespace
}  // namespace lathe::rotary_angles
