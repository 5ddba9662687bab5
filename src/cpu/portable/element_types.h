// Elements of every dtype as kernels compute with them: a C++ type each, what its arithmetic is done in, and
// lists of types that a kernel's functions are made for.
#pragma once

#include <atomic>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "backend/kernel_call.h"
#include "base/half.h"
#include "tensor/dtype.h"

namespace lathe::portable {

struct Float16 {
  std::uint16_t bits;
};
struct Bfloat16 {
  std::uint16_t bits;
};
struct Bool {
  std::uint8_t byte;
};
/// The number of a text: equal texts have equal ones, and there is no order.
struct TextNumber {
  std::uint64_t number;
  bool operator==(const TextNumber&) const = default;
};
/// A byte that only casts look into: floats of 8 and 4 bits, whole numbers of 4 and 2.
template <Dtype dtype>
struct Code {
  std::uint8_t byte;
};

template <class... Types>
struct Elements {};

using Floats = Elements<float, double, Float16, Bfloat16>;
using SignedIntegers = Elements<std::int8_t, std::int16_t, std::int32_t, std::int64_t>;
using UnsignedIntegers = Elements<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>;
using Bools = Elements<Bool>;
using Strings = Elements<TextNumber>;

template <class... A, class... B>
Elements<A..., B...> operator+(Elements<A...>, Elements<B...>);

using Integers = decltype(SignedIntegers() + UnsignedIntegers());
using SignedNumbers = decltype(Floats() + SignedIntegers());
using Numbers = decltype(Floats() + Integers());
using NumbersAndBools = decltype(Numbers() + Bools());
using Comparable = decltype(NumbersAndBools() + Strings());

template <class Element>
inline constexpr Dtype kDtypeOf = Dtype::none;
template <>
inline constexpr Dtype kDtypeOf<float> = Dtype::f32;
template <>
inline constexpr Dtype kDtypeOf<double> = Dtype::f64;
template <>
inline constexpr Dtype kDtypeOf<Float16> = Dtype::f16;
template <>
inline constexpr Dtype kDtypeOf<Bfloat16> = Dtype::bf16;
template <>
inline constexpr Dtype kDtypeOf<std::int8_t> = Dtype::i8;
template <>
inline constexpr Dtype kDtypeOf<std::int16_t> = Dtype::i16;
template <>
inline constexpr Dtype kDtypeOf<std::int32_t> = Dtype::i32;
template <>
inline constexpr Dtype kDtypeOf<std::int64_t> = Dtype::i64;
template <>
inline constexpr Dtype kDtypeOf<std::uint8_t> = Dtype::u8;
template <>
inline constexpr Dtype kDtypeOf<std::uint16_t> = Dtype::u16;
template <>
inline constexpr Dtype kDtypeOf<std::uint32_t> = Dtype::u32;
template <>
inline constexpr Dtype kDtypeOf<std::uint64_t> = Dtype::u64;
template <>
inline constexpr Dtype kDtypeOf<Bool> = Dtype::boolean;
template <>
inline constexpr Dtype kDtypeOf<TextNumber> = Dtype::string;

template <Dtype dtype>
inline constexpr Dtype kDtypeOf<Code<dtype>> = dtype;

template <class... Types>
constexpr bool contains(Elements<Types...>, Dtype dtype) {
  return ((dtype == kDtypeOf<Types>) || ...);
}

/// Calls visitor.operator()<Type>() for the type of the dtype; false where the list lacks it.
template <class... Types, class Visitor>
bool visit(Elements<Types...>, Dtype dtype, Visitor visitor) {
  return ((dtype == kDtypeOf<Types> && (visitor.template operator()<Types>(), true)) || ...);
}

/// What arithmetic sees: halves are floats.
template <class Element>
requires std::is_arithmetic_v<Element> Element load(Element element) { return element; }
inline float load(Float16 element) { return half_to_float(element.bits); }
inline float load(Bfloat16 element) { return bfloat_to_float(element.bits); }
inline bool load(Bool element) { return element.byte != 0; }
inline TextNumber load(TextNumber element) { return element; }

template <class Element>
using Loaded = decltype(load(Element()));

/// The float that rounds to a half as `value` itself would: inexact ones get an odd last bit.
inline float to_odd(double value) {
  const auto nearest = static_cast<float>(value);
  const auto back = static_cast<double>(nearest);
  if (!(back < value) && !(back > value)) return nearest;
  auto bits = std::bit_cast<std::uint32_t>(nearest);
  if (std::fabs(back) > std::fabs(value)) --bits;
  return std::bit_cast<float>(bits | 1u);
}

/// From what arithmetic gives: halves and floats from a double or a float, others from their own type.
template <class Element, class Value>
Element store(Value value) {
  if constexpr (std::is_same_v<Element, Bool>) {
    return {static_cast<std::uint8_t>(value ? 1 : 0)};
  } else if constexpr (std::is_same_v<Element, Float16> || std::is_same_v<Element, Bfloat16>) {
    float rounded;
    if constexpr (std::is_same_v<Value, double>)
      rounded = to_odd(value);
    else
      rounded = static_cast<float>(value);
    if constexpr (std::is_same_v<Element, Float16>) return {float_to_half(rounded)};
    return Element{float_to_bfloat(rounded)};
  } else {
    return static_cast<Element>(value);
  }
}

/// Whole numbers wrap in these, with nothing undefined: at least as wide as an int.
template <std::integral T>
using Wrapping =
    std::conditional_t<sizeof(T) < sizeof(std::uint32_t), std::uint32_t, std::make_unsigned_t<T>>;

/// Toward zero, and to the nearest end of the range; 0 for NaN.
template <std::integral T>
T whole_part(double value) {
  constexpr auto kLeast = static_cast<double>(std::numeric_limits<T>::min());
  const double end = std::ldexp(1.0, std::numeric_limits<T>::digits);
  if (std::isnan(value)) return 0;
  if (value >= end) return std::numeric_limits<T>::max();
  return value <= kLeast ? std::numeric_limits<T>::min() : static_cast<T>(value);
}

/// Tells the run that it must fail. Threads may do it at once.
inline void raise_fault(const KernelCall& call) {
  if (call.fault != nullptr) std::atomic_ref(*call.fault).store(1, std::memory_order_relaxed);
}

}  // namespace lathe::portable
