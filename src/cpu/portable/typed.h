// Kernels that are written once for several element types: an operation is a struct with a function
// `run<T>(call)`, and Typed<Operation, types> picks T by the dtype of one input.
// The 16-bit floats convert from and to float, in which is computed.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "base/half.h"
#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {

struct Half {
  std::uint16_t bits = 0;
  Half() = default;
  explicit Half(float value) : bits(float_to_half(value)) {}
  explicit Half(double value) : Half(static_cast<float>(value)) {}
  explicit operator float() const { return half_to_float(bits); }
};

struct Bfloat {
  std::uint16_t bits = 0;
  Bfloat() = default;
  explicit Bfloat(float value) : bits(float_to_bfloat(value)) {}
  explicit Bfloat(double value) : Bfloat(static_cast<float>(value)) {}
  explicit operator float() const { return bfloat_to_float(bits); }
};

/// 0 or 1; what else a byte holds counts as 1.
struct Boolean {
  std::uint8_t byte = 0;
  Boolean() = default;
  explicit Boolean(bool value) : byte(value ? 1 : 0) {}
  explicit operator bool() const { return byte != 0; }
};

template <class T>
inline constexpr bool kIsShortFloat = std::is_same_v<T, Half> || std::is_same_v<T, Bfloat>;

/// What elements of T are computed in.
template <class T>
using Computed =
    std::conditional_t<kIsShortFloat<T>, float, std::conditional_t<std::is_same_v<T, Boolean>, bool, T>>;

template <class T>
Computed<T> load(const T& element) {
  return static_cast<Computed<T>>(element);
}

/// The value of an element of T that holds `value`.
template <class T>
Computed<T> rounded(Computed<T> value) {
  return static_cast<Computed<T>>(static_cast<T>(value));
}

/// A real number as an element: whole types truncate, and take the nearest that they have.
template <class T>
T from_real(double value) {
  if constexpr (std::is_integral_v<T>) {
    if (!(value > static_cast<double>(std::numeric_limits<T>::min()))) return std::numeric_limits<T>::min();
    if (value >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
  }
  return static_cast<T>(value);
}

template <class T>
inline constexpr Dtype kDtypeOf = Dtype::none;
template <>
inline constexpr Dtype kDtypeOf<float> = Dtype::f32;
template <>
inline constexpr Dtype kDtypeOf<double> = Dtype::f64;
template <>
inline constexpr Dtype kDtypeOf<Half> = Dtype::f16;
template <>
inline constexpr Dtype kDtypeOf<Bfloat> = Dtype::bf16;
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
inline constexpr Dtype kDtypeOf<Boolean> = Dtype::boolean;

template <class... T>
struct Types {};

using FloatTypes = Types<float, double, Half, Bfloat>;
/// Of ONNX's products and sums.
using WideTypes =
    Types<float, double, Half, Bfloat, std::int32_t, std::int64_t, std::uint32_t, std::uint64_t>;
using NumberTypes = Types<float, double, Half, Bfloat, std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                          std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>;

struct TypedFunction {
  Dtype dtype;
  KernelFunction run;
};

template <class Operation, class List, std::size_t input = 0>
struct Typed;

template <class Operation, class... T, std::size_t input>
struct Typed<Operation, Types<T...>, input> {
  static constexpr std::array<TypedFunction, sizeof...(T)> kFunctions = {
      TypedFunction{kDtypeOf<T>, Operation::template run<T>}...};

  static void run(const KernelCall& call) {
    for (const auto& function : kFunctions)
      if (static_cast<std::int32_t>(function.dtype) == call.inputs[input].dtype) return function.run(call);
  }

  static bool accepts(const NodeTypes& types) {
    for (const auto& function : kFunctions)
      if (types.inputs.size() > input && function.dtype == types.inputs[input].dtype) return true;
    return false;
  }
};

/// An element of any real or whole type of a byte and more as a double.
inline double real_at(const TensorArg& tensor, std::int64_t index) {
  switch (static_cast<Dtype>(tensor.dtype)) {
    case Dtype::f32:
      return static_cast<double>(data_of<const float>(tensor)[index]);
    case Dtype::f64:
      return data_of<const double>(tensor)[index];
    case Dtype::f16:
      return static_cast<double>(half_to_float(data_of<const std::uint16_t>(tensor)[index]));
    case Dtype::bf16:
      return static_cast<double>(bfloat_to_float(data_of<const std::uint16_t>(tensor)[index]));
    case Dtype::i64:
      return static_cast<double>(data_of<const std::int64_t>(tensor)[index]);
    case Dtype::u64:
      return static_cast<double>(data_of<const std::uint64_t>(tensor)[index]);
    case Dtype::i32:
      return static_cast<double>(data_of<const std::int32_t>(tensor)[index]);
    case Dtype::u32:
      return static_cast<double>(data_of<const std::uint32_t>(tensor)[index]);
    case Dtype::i16:
      return static_cast<double>(data_of<const std::int16_t>(tensor)[index]);
    case Dtype::u16:
      return static_cast<double>(data_of<const std::uint16_t>(tensor)[index]);
    case Dtype::i8:
      return static_cast<double>(data_of<const std::int8_t>(tensor)[index]);
    default:
      return static_cast<double>(data_of<const std::uint8_t>(tensor)[index]);
  }
}

/// Elements of an i32 or i64 tensor.
inline std::int64_t integer_at(const TensorArg& tensor, std::int64_t index) {
  return tensor.dtype == static_cast<std::int32_t>(Dtype::i32) ? data_of<const std::int32_t>(tensor)[index]
                                                               : data_of<const std::int64_t>(tensor)[index];
}

/// Whether the input is there: those that were left out in the middle have the dtype none.
inline bool has_input(const KernelCall& call, int input) {
  return input < call.input_count && call.inputs[input].dtype != static_cast<std::int32_t>(Dtype::none);
}

}  // namespace lathe::portable
