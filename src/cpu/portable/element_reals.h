// Float elements in blocks of doubles: functions of real numbers are computed once, in double, whatever the
// tensor's type, and rounded to it at the end.
#pragma once

#include <algorithm>
#include <array>

#include "cpu/portable/element_rows.h"

namespace lathe::portable {

inline constexpr std::int64_t kRealBlock = 512;

/// Elements from `first` on; of any type of numbers.
inline void load_reals(const TensorArg& tensor, std::int64_t first, std::int64_t count, double* reals) {
  visit(Numbers(), dtype_of(tensor), [&]<class Element>() {
    const auto* x = data_of<const Element>(tensor) + first;
    for (std::int64_t i = 0; i < count; ++i) reals[i] = static_cast<double>(load(x[i]));
  });
}

inline void store_reals(const TensorArg& tensor, std::int64_t first, std::int64_t count,
                        const double* reals) {
  visit(Floats(), dtype_of(tensor), [&]<class Element>() {
    auto* y = data_of<Element>(tensor) + first;
    for (std::int64_t i = 0; i < count; ++i) y[i] = store<Element>(reals[i]);
  });
}

/// y = function(x, attributes) for floats.
template <auto function>
void run_real(const KernelCall& call) {
  std::array<double, kRealBlock> reals;
  const Share share = share_of(call, element_count(call.outputs[0]));
  for (std::int64_t i = share.begin; i < share.end; i += kRealBlock) {
    const std::int64_t count = std::min(kRealBlock, share.end - i);
    load_reals(call.inputs[0], i, count, reals.data());
    for (std::int64_t k = 0; k < count; ++k) {
      auto& x = reals[static_cast<std::size_t>(k)];
      x = function(x, call.attributes);
    }
    store_reals(call.outputs[0], i, count, reals.data());
  }
}

template <auto function>
Kernel real_kernel(std::string name, std::string_view op) {
  return element_kernel(std::move(name), op, run_real<function>, accepts_first<Floats>, kInPlace);
}

}  // namespace lathe::portable
