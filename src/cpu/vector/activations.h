// Celu, Elu, HardSigmoid, HardSwish, LeakyRelu, Mish, Selu and Softplus.
#pragma once

#include "cpu/element_formulas.h"
#include "cpu/vector/pointwise.h"

namespace lathe::vector {

/// portable/expm1_f32.h, the same operations.
template <class V>
[[gnu::always_inline]] inline V exp_minus_one(V x) {
  constexpr float kNear[] = {0x1.a33fb6p-13f, 0x1.6eefb2p-10f, 0x1.110eeep-7f,
                             0x1.55527ep-5f,  0x1.555558p-3f,  0x1.000002p-1f};
  const V one = broadcast(V{}, 1.0f);
  const V near = fma(x * x, polynomial(x, kNear), x);
  return where_less(broadcast(V{}, 0.5f), with_sign(x, one), exp(x) - one, near);
}

/// portable/log1p_f32.h, the same operations.
template <class V>
[[gnu::always_inline]] inline V log_one_plus(V e) {
  constexpr float kTerms[] = {0x1.f1aef2p-4f, 0x1.b6d69ep-4f, 0x1.250972p-3f, 0x1.9996a8p-3f, 0x1.555558p-2f};
  const V s = e / (broadcast(V{}, 2.0f) + e);
  const V square = s * s;
  const V twice = s + s;
  return fma(twice * square, polynomial(square, kTerms), twice);
}

/// y = function(x) of this thread's share, number by number; the compiler makes vectors of it.
template <class Function>
void run_formula(const KernelCall& call, Function function) {
  const Range share = share_of(call, element_count(call.inputs[0]));
  const auto* x = static_cast<const float*>(call.inputs[0].data);
  auto* y = static_cast<float*>(call.outputs[0].data);
  for (std::int64_t i = share.begin; i < share.end; ++i) y[i] = function(x[i]);
}

template <class V>
void run_leaky_relu(const KernelCall& call) {
  const double alpha = call.attributes[0].real;
  run_formula(call, [alpha](float x) { return formulas::leaky_relu(x, alpha); });
}

template <class V>
void run_hard_sigmoid(const KernelCall& call) {
  const double alpha = call.attributes[0].real;
  const double beta = call.attributes[1].real;
  run_formula(call, [alpha, beta](float x) { return formulas::hard_sigmoid(x, alpha, beta); });
}

template <class V>
void run_hard_swish(const KernelCall& call) {
  run_formula(call, [](float x) { return formulas::hard_swish(x); });
}

template <class V>
void run_softplus(const KernelCall& call) {
  run_unary<V>(call, [](V x) {
    const V magnitude = with_sign(x, broadcast(V{}, 1.0f));
    return log_one_plus(exp(-magnitude)) + greater(V{}, x);
  });
}

/// x tanh(softplus(x)); far above 0 it is x.
template <class V>
void run_mish(const KernelCall& call) {
  run_unary<V>(call, [](V x) {
    const V two = broadcast(V{}, 2.0f);
    const V e = exp(lesser(broadcast(V{}, 20.0f), x));
    const V n = e * (e + two);
    return x * (n / (n + two));
  });
}

template <class V>
void run_elu(const KernelCall& call) {
  const V alpha = broadcast(V{}, static_cast<float>(call.attributes[0].real));
  run_unary<V>(call, [alpha](V x) { return where_less(x, V{}, alpha * exp_minus_one(x), x); });
}

template <class V>
void run_celu(const KernelCall& call) {
  const V alpha = broadcast(V{}, static_cast<float>(call.attributes[0].real));
  run_unary<V>(call, [alpha](V x) { return where_less(x, V{}, alpha * exp_minus_one(x / alpha), x); });
}

template <class V>
void run_selu(const KernelCall& call) {
  const V alpha = broadcast(V{}, static_cast<float>(call.attributes[0].real));
  const V gamma = broadcast(V{}, static_cast<float>(call.attributes[1].real));
  run_unary<V>(call, [alpha, gamma](V x) { return gamma * where_less(x, V{}, alpha * exp_minus_one(x), x); });
}

}  // namespace lathe::vector
