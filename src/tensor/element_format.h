// How a number lies in a tensor, and what is computed with: the 16-bit floats are computed in f32.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

#include "base/half.h"
#include "tensor/dtype.h"

namespace lathe {

template <class Element>
struct PlainFormat {
  using Stored = Element;
  using Value = Element;
  static Value load(Stored stored) { return stored; }
  static Stored store(Value value) { return value; }
};

struct HalfFormat {
  using Stored = std::uint16_t;
  using Value = float;
  static Value load(Stored stored) { return half_to_float(stored); }
  static Stored store(Value value) { return float_to_half(value); }
};

struct BfloatFormat {
  using Stored = std::uint16_t;
  using Value = float;
  static Value load(Stored stored) { return bfloat_to_float(stored); }
  static Stored store(Value value) { return float_to_bfloat(value); }
};

/// Whether visit_format() knows the type: floats of 16 bits and more, whole numbers, and bool as a byte.
inline bool has_format(Dtype dtype) {
  return dtype <= Dtype::i64 || (dtype >= Dtype::boolean && dtype <= Dtype::u2);
}

/// Calls body with the type's format: PlainFormat<...>, HalfFormat or BfloatFormat.
template <class Body>
void visit_format(Dtype dtype, Body body) {
  switch (dtype) {
    case Dtype::f32:
      return body(PlainFormat<float>{});
    case Dtype::f64:
      return body(PlainFormat<double>{});
    case Dtype::f16:
      return body(HalfFormat{});
    case Dtype::bf16:
      return body(BfloatFormat{});
    case Dtype::i8:
    case Dtype::i4:
    case Dtype::i2:
      return body(PlainFormat<std::int8_t>{});
    case Dtype::i16:
      return body(PlainFormat<std::int16_t>{});
    case Dtype::i32:
      return body(PlainFormat<std::int32_t>{});
    case Dtype::i64:
      return body(PlainFormat<std::int64_t>{});
    case Dtype::u16:
      return body(PlainFormat<std::uint16_t>{});
    case Dtype::u32:
      return body(PlainFormat<std::uint32_t>{});
    case Dtype::u64:
      return body(PlainFormat<std::uint64_t>{});
    default:  // bool, u8, u4, u2
      return body(PlainFormat<std::uint8_t>{});
  }
}

template <class Value>
bool is_nan(Value value) {
  if constexpr (std::floating_point<Value>) return value != value;
  return false;
}

/// An order of all numbers: NaN is greater than the others, and equal to itself.
template <class Value>
bool is_less(Value a, Value b) {
  return is_nan(a) ? false : is_nan(b) || a < b;
}

/// a + b and a * b; whole numbers wrap around.
template <class Value>
Value wrapping_sum(Value a, Value b) {
  if constexpr (std::integral<Value>)
    return static_cast<Value>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  else
    return a + b;
}

template <class Value>
Value wrapping_product(Value a, Value b) {
  if constexpr (std::integral<Value>)
    return static_cast<Value>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
  else
    return a * b;
}

}  // namespace lathe
