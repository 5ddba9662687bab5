// `Functions` of cpu/conv_epilogue.h on vectors, each with the code of the op of its name.
#pragma once

#include "cpu/vector/pointwise.h"
#include "graph/conv_epilogue.h"

namespace lathe::vector {

template <class V>
struct EpilogueFunctions {
  static void unary(EpilogueFunction function, float* y, std::int64_t count) {
    using enum EpilogueFunction;
    if (function == sigmoid) apply<V>(y, y, count, [](V x) { return vector::sigmoid(x); });
    if (function == swish) apply<V>(y, y, count, [](V x) { return vector::swish(x); });
    if (function == tanh) apply<V>(y, y, count, [](V x) { return hyperbolic_tangent(x); });
    if (function == gelu) apply<V>(y, y, count, [](V x) { return gelu_erf(x); });
    if (function == gelu_tanh) apply<V>(y, y, count, [](V x) { return vector::gelu_tanh(x); });
  }
};

}  // namespace lathe::vector
