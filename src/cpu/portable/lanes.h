// 16 float lanes as an array: what the drivers of convolution and pooling run on without vector instructions.
// avx2/vector.h and avx512/vector.h have the same interface.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace lathe::portable {

struct Lanes {
  static constexpr std::size_t kCount = 16;
  float lanes[kCount];
};

inline Lanes broadcast(Lanes, float x) {
  Lanes result;
  for (auto& lane : result.lanes) lane = x;
  return result;
}
inline Lanes load(Lanes, const float* source) {
  Lanes result;
  for (std::size_t i = 0; i < Lanes::kCount; ++i) result.lanes[i] = source[i];
  return result;
}
inline Lanes load_first(Lanes rest, const float* source, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) rest.lanes[i] = source[i];
  return rest;
}
inline void store_first(float* target, const Lanes& x, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) target[i] = x.lanes[i];
}
inline void store(float* target, const Lanes& x) { store_first(target, x, Lanes::kCount); }

template <class Function>
Lanes each(Lanes a, const Lanes& b, Function function) {
  for (std::size_t i = 0; i < Lanes::kCount; ++i) a.lanes[i] = function(a.lanes[i], b.lanes[i]);
  return a;
}
inline Lanes operator+(const Lanes& a, const Lanes& b) {
  return each(a, b, [](float x, float y) { return x + y; });
}
inline Lanes operator-(const Lanes& a, const Lanes& b) {
  return each(a, b, [](float x, float y) { return x - y; });
}
inline Lanes operator*(const Lanes& a, const Lanes& b) {
  return each(a, b, [](float x, float y) { return x * y; });
}
inline Lanes operator/(const Lanes& a, const Lanes& b) {
  return each(a, b, [](float x, float y) { return x / y; });
}
/// a where it is greater, else b; so a NaN in a is passed over.
inline Lanes greater(const Lanes& a, const Lanes& b) {
  return each(a, b, [](float x, float y) { return x > y ? x : y; });
}
inline Lanes fma(const Lanes& a, const Lanes& b, Lanes c) {
  for (std::size_t i = 0; i < Lanes::kCount; ++i) c.lanes[i] = std::fma(a.lanes[i], b.lanes[i], c.lanes[i]);
  return c;
}
/// Lanes 0, 2, ... of a and then of b.
inline Lanes even_lanes(const Lanes& a, const Lanes& b) {
  Lanes result;
  for (std::size_t i = 0; i < Lanes::kCount; ++i)
    result.lanes[i] = i < Lanes::kCount / 2 ? a.lanes[2 * i] : b.lanes[2 * i - Lanes::kCount];
  return result;
}
/// Lanes 1, 3, ... of a and then of b.
inline Lanes odd_lanes(const Lanes& a, const Lanes& b) {
  Lanes result;
  for (std::size_t i = 0; i < Lanes::kCount; ++i)
    result.lanes[i] = i < Lanes::kCount / 2 ? a.lanes[2 * i + 1] : b.lanes[2 * i + 1 - Lanes::kCount];
  return result;
}
/// The first half of a and b in turns: a0, b0, a1, b1, ...
inline Lanes low_pairs(const Lanes& a, const Lanes& b) {
  Lanes result;
  for (std::size_t i = 0; i < Lanes::kCount; ++i) result.lanes[i] = (i % 2 == 0 ? a : b).lanes[i / 2];
  return result;
}
/// The last half of a and b in turns.
inline Lanes high_pairs(const Lanes& a, const Lanes& b) {
  Lanes result;
  for (std::size_t i = 0; i < Lanes::kCount; ++i)
    result.lanes[i] = (i % 2 == 0 ? a : b).lanes[Lanes::kCount / 2 + i / 2];
  return result;
}
/// Lane i with i + 8, then + 4, + 2, + 1.
inline float tree_sum(Lanes x) {
  for (std::size_t half = Lanes::kCount / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i) x.lanes[i] += x.lanes[i + half];
  return x.lanes[0];
}
inline Lanes square_root(Lanes x) {
  for (auto& lane : x.lanes) lane = std::sqrt(lane);
  return x;
}

}  // namespace lathe::portable
