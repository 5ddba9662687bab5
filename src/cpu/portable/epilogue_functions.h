// `Functions` of cpu/conv_epilogue.h without vector instructions.
#pragma once

#include "cpu/portable/row_functions.h"
#include "graph/conv_epilogue.h"

namespace lathe::portable {

struct EpilogueFunctions {
  static float value(EpilogueFunction function, float x) {
    using enum EpilogueFunction;
    if (function == sigmoid) return 1.0f / (1.0f + exp_f32(-x));
    if (function == swish) return swish_f32(x);
    if (function == tanh) return tanh_f32(x);
    return function == gelu ? gelu_erf_f32(x) : gelu_tanh_f32(x);
  }

  static void unary(EpilogueFunction function, float* y, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) y[i] = value(function, y[i]);
  }
};

}  // namespace lathe::portable
