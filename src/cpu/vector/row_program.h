// RowProgram: the functions of cpu/row_program.h on vectors, each with the code of the op of its name.
#pragma once

#include "cpu/row_program.h"
#include "cpu/vector/normalization.h"
#include "cpu/vector/pointwise.h"

namespace lathe::vector {

template <class V>
struct RowFunctions {
  using Operand = row_program::TileOperand;

  template <class Operation>
  static void apply_binary(Operand a, Operand b, float* y, std::int64_t count, Operation operation) {
    if (a.single) {
      const V first = broadcast(V{}, *a.data);
      apply<V>(b.data, y, count, [first, operation](V x) { return operation(first, x); });
    } else if (b.single) {
      const V second = broadcast(V{}, *b.data);
      apply<V>(a.data, y, count, [second, operation](V x) { return operation(x, second); });
    } else {
      apply<V>(a.data, b.data, y, count, operation);
    }
  }

  static void binary(FusedFunction function, Operand a, Operand b, float* y, std::int64_t count) {
    if (function == FusedFunction::add)
      apply_binary(a, b, y, count, [](V left, V right) { return left + right; });
    else
      apply_binary(a, b, y, count, [](V left, V right) { return left * right; });
  }

  /// Calls apply(f) with f the function on one vector.
  template <class Apply>
  static void with_function(FusedFunction function, Apply apply) {
    if (function == FusedFunction::swish) apply([](V x) { return vector::swish(x); });
    if (function == FusedFunction::gelu) apply([](V x) { return gelu_erf(x); });
    if (function == FusedFunction::gelu_tanh) apply([](V x) { return vector::gelu_tanh(x); });
    if (function == FusedFunction::tanh) apply([](V x) { return hyperbolic_tangent(x); });
  }

  static void unary(FusedFunction function, const float* x, float* y, std::int64_t count) {
    with_function(function, [=](auto f) { apply<V>(x, y, count, f); });
  }

  static void gated(FusedFunction function, const float* x, const float* b, float* y, std::int64_t count) {
    with_function(function, [=](auto f) {
      apply<V>(x, b, y, count, [f](V left, V right) { return f(left) * right; });
    });
  }

  static void rms(const float* x, const float* scale, float epsilon, float* y, std::int64_t count) {
    normalize_row<V>(x, scale, epsilon, y, count);
  }

  static void layer(const float* x, const float* scale, const float* bias, float epsilon, float* y,
                    std::int64_t count) {
    layer_normalize_row<V>(x, scale, bias, epsilon, y, count);
  }

  static void quantize(const float* values, const float* marks, std::int64_t first, std::int64_t count,
                       std::int64_t columns, std::uint8_t* row) {
    quantize_blocks(V{}, values, marks, first, count, columns, row);
  }
};

template <class V>
void run_row_program(const KernelCall& call) {
  row_program::run<RowFunctions<V>>(call);
}

}  // namespace lathe::vector
