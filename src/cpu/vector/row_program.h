// RowProgram: the functions of cpu/row_program.h on vectors, each with the code of the op of its name.
#pragma once

#include "cpu/element_formulas.h"
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

  /// y = operation(a, b), number by number.
  template <class Operation>
  static void combine(Operand a, Operand b, float* y, std::int64_t count, Operation operation) {
    if (a.single) {
      const float first = *a.data;
      for (std::int64_t i = 0; i < count; ++i) y[i] = operation(first, b.data[i]);
    } else if (b.single) {
      const float second = *b.data;
      for (std::int64_t i = 0; i < count; ++i) y[i] = operation(a.data[i], second);
    } else {
      for (std::int64_t i = 0; i < count; ++i) y[i] = operation(a.data[i], b.data[i]);
    }
  }

  static void binary(FusedFunction function, Operand a, Operand b, float* y, std::int64_t count) {
    using enum FusedFunction;
    if (function == add) apply_binary(a, b, y, count, [](V left, V right) { return left + right; });
    if (function == mul) apply_binary(a, b, y, count, [](V left, V right) { return left * right; });
    if (function == sub) apply_binary(a, b, y, count, [](V left, V right) { return left - right; });
    if (function == div) apply_binary(a, b, y, count, [](V left, V right) { return left / right; });
    if (function == max)
      combine(a, b, y, count, [](float left, float right) { return formulas::greatest(left, right); });
    if (function == min)
      combine(a, b, y, count, [](float left, float right) { return formulas::least(left, right); });
  }

  static V exponential(V x) { return exp(x); }

  /// Calls apply(f) with f the function on one vector.
  template <class Apply>
  static void with_function(FusedFunction function, Apply apply) {
    using enum FusedFunction;
    if (function == swish) apply([](V x) { return vector::swish(x); });
    if (function == gelu) apply([](V x) { return gelu_erf(x); });
    if (function == gelu_tanh) apply([](V x) { return vector::gelu_tanh(x); });
    if (function == tanh) apply([](V x) { return hyperbolic_tangent(x); });
    if (function == sigmoid) apply([](V x) { return vector::sigmoid(x); });
    if (function == exp) apply([](V x) { return exponential(x); });
    if (function == erf) apply([](V x) { return error_function(x); });
    if (function == neg) apply([](V x) { return -x; });
    if (function == abs) apply([](V x) { return with_sign(x, broadcast(V{}, 1.0f)); });
    if (function == reciprocal) apply([](V x) { return broadcast(V{}, 1.0f) / x; });
  }

  /// y = f(x), number by number; the loop becomes vectors.
  template <class Function>
  static void transform(const float* x, float* y, std::int64_t count, Function function) {
    for (std::int64_t i = 0; i < count; ++i) y[i] = function(x[i]);
  }

  static void unary(FusedFunction function, const float* constants, const float* x, float* y,
                    std::int64_t count) {
    using enum FusedFunction;
    const auto alpha = static_cast<double>(constants[0]);
    const auto beta = static_cast<double>(constants[1]);
    switch (function) {
      case relu:
        return transform(x, y, count, [](float value) { return formulas::relu(value); });
      case clip: {
        const auto bounds = formulas::clip_bounds(alpha, beta);
        return transform(x, y, count, [bounds](float value) { return formulas::clip(value, bounds); });
      }
      case leaky_relu:
        return transform(x, y, count, [alpha](float value) { return formulas::leaky_relu(value, alpha); });
      case hard_sigmoid:
        return transform(x, y, count,
                         [alpha, beta](float value) { return formulas::hard_sigmoid(value, alpha, beta); });
      case hard_swish:
        return transform(x, y, count, [](float value) { return formulas::hard_swish(value); });
      case sqrt:
        return transform(x, y, count, [](float value) { return square_root(V{}, value); });
      default:
        return with_function(function, [=](auto f) { apply<V>(x, y, count, f); });
    }
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
