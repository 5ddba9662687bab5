// Bits and truth values, element by element with broadcasting: BitShift, BitwiseAnd, BitwiseOr, BitwiseXor
// and BitwiseNot of whole numbers; And, Or, Xor and Not of truth values. A shift by less than 0, or by the
// width and more, leaves nothing but copies of the sign bit.
#include <limits>
#include <utility>

#include "cpu/portable/element_rows.h"

namespace lathe::portable {
namespace {

struct Shift {
  using Types = Integers;
  template <class T>
  static T apply(T a, T b, const KernelCall& call) {
    constexpr int kBits = std::numeric_limits<T>::digits + (std::signed_integral<T> ? 1 : 0);
    const bool left = call.attributes[0].text[0] == 'L';
    if (std::cmp_less(b, 0) || std::cmp_greater_equal(b, kBits))
      return left || a >= 0 ? T{0} : static_cast<T>(-1);
    const auto by = static_cast<int>(b);
    if (left) return static_cast<T>(static_cast<Wrapping<T>>(a) << by);
    return static_cast<T>(a >> by);
  }
};

struct BitAnd {
  using Types = Integers;
  template <class T>
  static T apply(T a, T b, const KernelCall&) {
    return static_cast<T>(a & b);
  }
};

struct BitOr {
  using Types = Integers;
  template <class T>
  static T apply(T a, T b, const KernelCall&) {
    return static_cast<T>(a | b);
  }
};

struct BitXor {
  using Types = Integers;
  template <class T>
  static T apply(T a, T b, const KernelCall&) {
    return static_cast<T>(a ^ b);
  }
};

struct BitNot {
  using Types = Integers;
  template <class T>
  static T apply(T a, const KernelCall&) {
    return static_cast<T>(~a);
  }
};

struct Both {
  using Types = Bools;
  static bool apply(bool a, bool b, const KernelCall&) { return a && b; }
};

struct Either {
  using Types = Bools;
  static bool apply(bool a, bool b, const KernelCall&) { return a || b; }
};

struct OneOf {
  using Types = Bools;
  static bool apply(bool a, bool b, const KernelCall&) { return a != b; }
};

struct Opposite {
  using Types = Bools;
  static bool apply(bool a, const KernelCall&) { return !a; }
};

}  // namespace

std::span<const Kernel> element_bits_kernels() {
  static const Kernel kKernels[] = {
      binary_kernel<Shift>("bit_shift", "BitShift"),
      binary_kernel<BitAnd>("bitwise_and", "BitwiseAnd"),
      binary_kernel<BitOr>("bitwise_or", "BitwiseOr"),
      binary_kernel<BitXor>("bitwise_xor", "BitwiseXor"),
      unary_kernel<BitNot>("bitwise_not", "BitwiseNot"),
      binary_kernel<Both>("and", "And"),
      binary_kernel<Either>("or", "Or"),
      binary_kernel<OneOf>("xor", "Xor"),
      unary_kernel<Opposite>("not", "Not"),
  };
  return kKernels;
}

}  // namespace lathe::portable
