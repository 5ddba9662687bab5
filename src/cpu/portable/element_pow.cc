// PowAny (base, exponent) with broadcasting: the exponent may be of any type of numbers, the result has the
// base's. Whole powers of whole numbers are exact and wrap; below 0 they are 0, 1 or -1, and a fault of 0.
// The others are computed in double.
#include <utility>

#include "cpu/portable/element_rows.h"

namespace lathe::portable {
namespace {

using Bases = decltype(Floats() + Elements<std::int32_t, std::int64_t>());

template <std::integral T>
T inverse_power(T base, bool odd, const KernelCall& call) {
  if (base == 0) raise_fault(call);
  if (base == 1) return 1;
  if (base == -1) return odd ? static_cast<T>(-1) : T{1};
  return 0;
}

template <std::integral T, std::integral Exponent>
T whole_power(T base, Exponent exponent, const KernelCall& call) {
  if (std::cmp_less(exponent, 0)) return inverse_power(base, exponent % 2 != 0, call);
  auto rest = static_cast<std::uint64_t>(exponent);
  auto square = static_cast<Wrapping<T>>(base);
  Wrapping<T> result = 1;
  for (; rest != 0; rest /= 2) {
    if (rest % 2 != 0) result *= square;
    square *= square;
  }
  return static_cast<T>(result);
}

struct Power {
  template <class T, class Exponent>
  static auto apply(T base, Exponent exponent, const KernelCall& call) {
    if constexpr (std::integral<T> && std::integral<Exponent>) {
      return whole_power(base, exponent, call);
    } else {
      const double power = std::pow(static_cast<double>(base), static_cast<double>(exponent));
      if constexpr (std::integral<T>)
        return whole_part<T>(power);
      else
        return power;
    }
  }
};

template <class Element, class Exponent>
void power_run(const BinaryRun& run, const KernelCall& call) {
  const auto* a = static_cast<const Element*>(run.a);
  const auto* b = static_cast<const Exponent*>(run.b);
  auto* y = static_cast<Element*>(run.y);
  for (std::int64_t i = 0; i < run.count; ++i)
    y[i] = store<Element>(Power::apply(load(a[i * run.step_a]), load(b[i * run.step_b]), call));
}

void run(const KernelCall& call) {
  visit(Bases(), dtype_of(call.inputs[0]), [&]<class Element>() {
    visit(Numbers(), dtype_of(call.inputs[1]),
          [&]<class Exponent>() { run_broadcast(call, power_run<Element, Exponent>); });
  });
}

}  // namespace

std::span<const Kernel> element_pow_kernels() {
  static const Kernel kKernels[] = {element_kernel("pow_any", "PowAny", run, accepts_first<Bases>)};
  return kKernels;
}

}  // namespace lathe::portable
