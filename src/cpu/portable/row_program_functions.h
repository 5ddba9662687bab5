// What RowProgram and FusedLinear compute of a tile.
#pragma once

#include "cpu/element_formulas.h"
#include "cpu/portable/erf_f32.h"
#include "cpu/portable/row_functions.h"
#include "cpu/row_program.h"

namespace lathe::portable {
namespace {

/// `Functions` of cpu/row_program.h.
struct RowFunctions {
  static float at(row_program::TileOperand operand, std::int64_t i) {
    return operand.data[operand.single ? 0 : i];
  }

  static float value(FusedFunction function, const float* constants, float x) {
    using enum FusedFunction;
    switch (function) {
      case swish:
        return swish_f32(x);
      case gelu:
        return gelu_erf_f32(x);
      case gelu_tanh:
        return gelu_tanh_f32(x);
      case tanh:
        return tanh_f32(x);
      case sigmoid:
        return 1.0f / (1.0f + exp_f32(-x));
      case relu:
        return formulas::relu(x);
      case clip:
        return formulas::clip(x, formulas::clip_bounds(constants[0], constants[1]));
      case leaky_relu:
        return formulas::leaky_relu(x, constants[0]);
      case hard_sigmoid:
        return formulas::hard_sigmoid(x, constants[0], constants[1]);
      case hard_swish:
        return formulas::hard_swish(x);
      case exp:
        return exp_f32(x);
      case erf:
        return erf_f32(x);
      case abs:
        return std::fabs(x);
      case neg:
        return -x;
      case sqrt:
        return std::sqrt(x);
      default:
        return 1.0f / x;  // reciprocal
    }
  }

  static float value(FusedFunction function, float a, float b) {
    using enum FusedFunction;
    switch (function) {
      case add:
        return a + b;
      case mul:
        return a * b;
      case sub:
        return a - b;
      case div:
        return a / b;
      case max:
        return formulas::greatest(a, b);
      default:
        return formulas::least(a, b);  // min
    }
  }

  static void binary(FusedFunction function, row_program::TileOperand a, row_program::TileOperand b, float* y,
                     std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) y[i] = value(function, at(a, i), at(b, i));
  }

  static void unary(FusedFunction function, const float* constants, const float* x, float* y,
                    std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) y[i] = value(function, constants, x[i]);
  }

  static void gated(FusedFunction function, const float* x, const float* b, float* y, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) y[i] = value(function, nullptr, x[i]) * b[i];
  }

  static void rms(const float* x, const float* scale, float epsilon, float* y, std::int64_t count) {
    rms_normalize_row(x, scale, epsilon, y, count);
  }

  static void layer(const float* x, const float* scale, const float* bias, float epsilon, float* y,
                    std::int64_t count) {
    layer_normalize_row(x, scale, bias, epsilon, y, count);
  }

  static void quantize(const float* values, const float* marks, std::int64_t first, std::int64_t count,
                       std::int64_t columns, std::uint8_t* row) {
    quantize_blocks(values, marks, first, count, columns, row);
  }
};

}  // namespace
}  // namespace lathe::portable
