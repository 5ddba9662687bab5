// Comparisons with broadcasting, of any type of numbers: Equal (of truth values and texts too), Less,
// LessOrEqual, Greater, GreaterOrEqual -> bool. NaN compares as in C.
#include "cpu/portable/element_rows.h"

namespace lathe::portable {
namespace {

struct Equal {
  using Types = Comparable;
  using Result = Bool;
  template <class T>
  static bool apply(T a, T b, const KernelCall&) {
    return a == b;
  }
};

struct Less {
  using Types = Numbers;
  using Result = Bool;
  template <class T>
  static bool apply(T a, T b, const KernelCall&) {
    return a < b;
  }
};

struct LessOrEqual {
  using Types = Numbers;
  using Result = Bool;
  template <class T>
  static bool apply(T a, T b, const KernelCall&) {
    return a <= b;
  }
};

struct Greater {
  using Types = Numbers;
  using Result = Bool;
  template <class T>
  static bool apply(T a, T b, const KernelCall&) {
    return a > b;
  }
};

struct GreaterOrEqual {
  using Types = Numbers;
  using Result = Bool;
  template <class T>
  static bool apply(T a, T b, const KernelCall&) {
    return a >= b;
  }
};

}  // namespace

std::span<const Kernel> element_compare_kernels() {
  static const Kernel kKernels[] = {
      binary_kernel<Equal>("equal", "Equal"),
      binary_kernel<Less>("less", "Less"),
      binary_kernel<LessOrEqual>("less_or_equal", "LessOrEqual"),
      binary_kernel<Greater>("greater", "Greater"),
      binary_kernel<GreaterOrEqual>("greater_or_equal", "GreaterOrEqual"),
  };
  return kKernels;
}

}  // namespace lathe::portable
