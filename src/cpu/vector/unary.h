// Abs, Clip, Erf, Exp, Neg, Reciprocal, Relu, Sigmoid and Sqrt.
#pragma once

#include "cpu/element_formulas.h"
#include "cpu/vector/pointwise.h"

namespace lathe::vector {

template <class V>
void run_abs(const KernelCall& call) {
  run_unary<V>(call, [](V x) { return with_sign(x, broadcast(V{}, 1.0f)); });
}

template <class V>
void run_clip(const KernelCall& call) {
  const formulas::Bounds bounds = formulas::clip_bounds(call.attributes[0].real, call.attributes[1].real);
  const V low = broadcast(V{}, bounds.low);
  const V high = broadcast(V{}, bounds.high);
  run_unary<V>(call, [low, high](V x) { return lesser(high, greater(low, x)); });
}

template <class V>
void run_erf(const KernelCall& call) {
  run_unary<V>(call, [](V x) { return error_function(x); });
}

template <class V>
void run_exp(const KernelCall& call) {
  run_unary<V>(call, [](V x) { return exp(x); });
}

template <class V>
void run_neg(const KernelCall& call) {
  run_unary<V>(call, [](V x) { return -x; });
}

template <class V>
void run_reciprocal(const KernelCall& call) {
  run_unary<V>(call, [](V x) { return broadcast(V{}, 1.0f) / x; });
}

template <class V>
void run_relu(const KernelCall& call) {
  run_unary<V>(call, [](V x) { return greater(V{}, x); });
}

template <class V>
void run_sigmoid(const KernelCall& call) {
  run_unary<V>(call, [](V x) { return sigmoid(x); });
}

template <class V>
void run_sqrt(const KernelCall& call) {
  run_unary<V>(call, [](V x) { return square_root(x); });
}

}  // namespace lathe::vector
