// What RowProgram and FusedLinear compute of a tile.
#pragma once

#include "cpu/portable/row_functions.h"
#include "cpu/row_program.h"

namespace lathe::portable {
namespace {

/// `Functions` of cpu/row_program.h.
struct RowFunctions {
  static float at(row_program::TileOperand operand, std::int64_t i) {
    return operand.data[operand.single ? 0 : i];
  }

  static float value(FusedFunction function, float x) {
    if (function == FusedFunction::swish) return swish_f32(x);
    if (function == FusedFunction::gelu) return gelu_erf_f32(x);
    if (function == FusedFunction::gelu_tanh) return gelu_tanh_f32(x);
    return tanh_f32(x);
  }

  static void binary(FusedFunction function, row_program::TileOperand a, row_program::TileOperand b, float* y,
                     std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i)
      y[i] = function == FusedFunction::add ? at(a, i) + at(b, i) : at(a, i) * at(b, i);
  }

  static void unary(FusedFunction function, const float* x, float* y, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) y[i] = value(function, x[i]);
  }

  static void gated(FusedFunction function, const float* x, const float* b, float* y, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) y[i] = value(function, x[i]) * b[i];
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
