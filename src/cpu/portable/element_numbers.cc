// Functions of one element of any type of numbers: AbsAny, NegAny, ReluAny, Sign, ClipAny (x, min, max: one
// element each, or left out), Shrink, Binarizer, PRelu (x, slope that broadcasts to it); IsInf and IsNaN of
// floats -> bool. Whole numbers wrap. NaN stays NaN.
#include "cpu/portable/element_rows.h"

namespace lathe::portable {
namespace {

struct Absolute {
  using Types = Numbers;
  template <class T>
  static T apply(T x, const KernelCall&) {
    if constexpr (std::floating_point<T>)
      return std::fabs(x);
    else
      return x < 0 ? static_cast<T>(Wrapping<T>{0} - static_cast<Wrapping<T>>(x)) : x;
  }
};

struct Opposite {
  using Types = SignedNumbers;
  template <class T>
  static T apply(T x, const KernelCall&) {
    if constexpr (std::floating_point<T>)
      return -x;
    else
      return static_cast<T>(Wrapping<T>{0} - static_cast<Wrapping<T>>(x));
  }
};

struct Relu {
  using Types = Numbers;
  template <class T>
  static T apply(T x, const KernelCall&) {
    return x < 0 ? T{0} : x;
  }
};

struct Sign {
  using Types = Numbers;
  template <class T>
  static T apply(T x, const KernelCall&) {
    if constexpr (std::floating_point<T>)
      if (std::isnan(x)) return x;
    return static_cast<T>((x > 0 ? 1 : 0) - (x < 0 ? 1 : 0));
  }
};

/// x - bias above lambd, x + bias below -lambd, else 0.
struct Shrink {
  using Types = Numbers;
  template <class T>
  static auto apply(T x, const KernelCall& call) {
    const auto real = static_cast<double>(x);
    const double bias = call.attributes[0].real;
    const double limit = call.attributes[1].real;
    const double result = real < -limit ? real + bias : real > limit ? real - bias : 0;
    if constexpr (std::integral<T>)
      return whole_part<T>(result);
    else
      return std::isnan(real) ? real : result;
  }
};

struct Binarize {
  using Types = Numbers;
  template <class T>
  static T apply(T x, const KernelCall& call) {
    return static_cast<T>(static_cast<double>(x) > call.attributes[0].real ? 1 : 0);
  }
};

struct IsInfinite {
  using Types = Floats;
  using Result = Bool;
  template <class T>
  static bool apply(T x, const KernelCall& call) {
    if (!std::isinf(x)) return false;
    return (x < 0 ? call.attributes[0] : call.attributes[1]).integer != 0;
  }
};

struct IsNan {
  using Types = Floats;
  using Result = Bool;
  template <class T>
  static bool apply(T x, const KernelCall&) {
    return std::isnan(x);
  }
};

struct SlopeBelowZero {
  using Types = Numbers;
  template <class T>
  static T apply(T x, T slope, const KernelCall&) {
    if constexpr (std::floating_point<T>)
      return x < 0 ? x * slope : x;
    else
      return x < 0 ? static_cast<T>(static_cast<Wrapping<T>>(x) * static_cast<Wrapping<T>>(slope)) : x;
  }
};

void run_clip(const KernelCall& call) {
  visit(Numbers(), dtype_of(call.inputs[0]), [&]<class Element>() {
    const auto bound = [&call](int input) -> const Element* {
      const bool given = input < call.input_count && dtype_of(call.inputs[input]) != Dtype::none;
      return given ? data_of<const Element>(call.inputs[input]) : nullptr;
    };
    const Element* low = bound(1);
    const Element* high = bound(2);
    const auto* x = data_of<const Element>(call.inputs[0]);
    auto* y = data_of<Element>(call.outputs[0]);
    const Share share = share_of(call, element_count(call.outputs[0]));
    for (std::int64_t i = share.begin; i < share.end; ++i) {
      Element result = x[i];
      if (low != nullptr && load(result) < load(*low)) result = *low;
      if (high != nullptr && load(result) > load(*high)) result = *high;
      y[i] = result;
    }
  });
}

/// Of PRelu; float32 has a kernel of its own, which has faster ones.
bool accepts_slopes(const NodeTypes& types) {
  return accepts_first<Numbers>(types) && types.inputs[0].dtype != Dtype::f32;
}

}  // namespace

std::span<const Kernel> element_numbers_kernels() {
  static const Kernel kKernels[] = {
      unary_kernel<Absolute>("abs_any", "AbsAny"),
      unary_kernel<Opposite>("neg_any", "NegAny"),
      unary_kernel<Relu>("relu_any", "ReluAny"),
      unary_kernel<Sign>("sign", "Sign"),
      unary_kernel<Shrink>("shrink", "Shrink"),
      unary_kernel<Binarize>("binarizer", "Binarizer"),
      element_kernel("is_inf", "IsInf", run_unary<IsInfinite>, accepts_first<Floats>),
      element_kernel("is_nan", "IsNaN", run_unary<IsNan>, accepts_first<Floats>),
      element_kernel("prelu.f32", "PRelu", run_binary<SlopeBelowZero>, accepts_first<Elements<float>>),
      element_kernel("prelu", "PRelu", run_binary<SlopeBelowZero>, accepts_slopes),
      element_kernel("clip_any", "ClipAny", run_clip, accepts_first<Numbers>, kInPlace),
  };
  return kKernels;
}

}  // namespace lathe::portable
