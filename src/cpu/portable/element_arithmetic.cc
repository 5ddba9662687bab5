// Element by element with broadcasting, of any type of numbers: AddAny, SubAny, MulAny, DivAny, Max, Min (a,
// b), and Mod, whose fmod = 0 takes the divisor's sign and 1 the dividend's. Whole numbers wrap; division by
// 0 is a fault and gives 0. A NaN is the greatest and the least number.
#include "cpu/portable/element_rows.h"

namespace lathe::portable {
namespace {

template <std::integral T>
T negated(T a) {
  return static_cast<T>(Wrapping<T>{0} - static_cast<Wrapping<T>>(a));
}

struct Add {
  using Types = Numbers;
  template <class T>
  static T apply(T a, T b, const KernelCall&) {
    if constexpr (std::integral<T>)
      return static_cast<T>(static_cast<Wrapping<T>>(a) + static_cast<Wrapping<T>>(b));
    else
      return a + b;
  }
};

struct Subtract {
  using Types = Numbers;
  template <class T>
  static T apply(T a, T b, const KernelCall&) {
    if constexpr (std::integral<T>)
      return static_cast<T>(static_cast<Wrapping<T>>(a) - static_cast<Wrapping<T>>(b));
    else
      return a - b;
  }
};

struct Multiply {
  using Types = Numbers;
  template <class T>
  static T apply(T a, T b, const KernelCall&) {
    if constexpr (std::integral<T>)
      return static_cast<T>(static_cast<Wrapping<T>>(a) * static_cast<Wrapping<T>>(b));
    else
      return a * b;
  }
};

/// Toward zero for whole numbers.
struct Divide {
  using Types = Numbers;
  template <class T>
  static T apply(T a, T b, const KernelCall& call) {
    if constexpr (std::integral<T>) {
      if (b == 0) {
        raise_fault(call);
        return 0;
      }
      if constexpr (std::signed_integral<T>)
        if (b == -1) return negated(a);  // the least number has no opposite
      return static_cast<T>(a / b);
    } else {
      return a / b;
    }
  }
};

struct Modulo {
  using Types = Numbers;
  template <std::integral T>
  static T apply(T a, T b, const KernelCall& call) {
    if (b == 0) {
      raise_fault(call);
      return 0;
    }
    if constexpr (std::signed_integral<T>) {
      if (b == -1) return 0;
      const auto rest = static_cast<T>(a % b);
      const bool floors = call.attributes[0].integer == 0;
      return floors && rest != 0 && (rest < 0) != (b < 0) ? static_cast<T>(rest + b) : rest;
    } else {
      return static_cast<T>(a % b);
    }
  }
  template <std::floating_point T>
  static T apply(T a, T b, const KernelCall& call) {
    const T rest = std::fmod(a, b);
    if (call.attributes[0].integer != 0 || std::isnan(rest)) return rest;
    if (rest == 0) return std::copysign(rest, b);
    return (rest < 0) != (b < 0) ? rest + b : rest;
  }
};

template <class T>
bool is_nan(T a) {
  if constexpr (std::floating_point<T>) return std::isnan(a);
  return false;
}

struct Greatest {
  using Types = Numbers;
  template <class T>
  static T apply(T a, T b, const KernelCall&) {
    return is_nan(a) || a > b ? a : b;
  }
};

struct Least {
  using Types = Numbers;
  template <class T>
  static T apply(T a, T b, const KernelCall&) {
    return is_nan(a) || a < b ? a : b;
  }
};

}  // namespace

std::span<const Kernel> element_arithmetic_kernels() {
  static const Kernel kKernels[] = {
      binary_kernel<Add>("add_any", "AddAny"),      binary_kernel<Subtract>("sub_any", "SubAny"),
      binary_kernel<Multiply>("mul_any", "MulAny"), binary_kernel<Divide>("div_any", "DivAny"),
      binary_kernel<Modulo>("mod", "Mod"),          binary_kernel<Greatest>("max", "Max"),
      binary_kernel<Least>("min", "Min"),
  };
  return kKernels;
}

}  // namespace lathe::portable
