// Add, Mul, Swish, Gelu, Tanh.
#pragma once

#include "cpu/vector/call.h"
#include "cpu/vector/functions.h"

namespace lathe::vector {

/// y[i] = function(x[i]) for `count` values; y may be x.
template <class V, class Function>
void apply(const float* x, float* y, std::int64_t count, Function function) {
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(y + i, function(load(V{}, x + i)));
  if (i < count) store_first(y + i, function(load_first(V{}, x + i, count - i)), count - i);
}

template <class V>
[[gnu::always_inline]] inline V swish(V x) {
  return x / (broadcast(V{}, 1.0f) + exp(-x));
}

template <class V>
[[gnu::always_inline]] inline V sigmoid(V x) {
  const V one = broadcast(V{}, 1.0f);
  return one / (one + exp(-x));
}

template <class V>
[[gnu::always_inline]] inline V gelu_erf(V x) {
  return gelu(x, gelu_table::kExact);
}

template <class V>
[[gnu::always_inline]] inline V gelu_tanh(V x) {
  return gelu(x, gelu_table::kTanhForm);
}

template <class V, class Function>
void run_unary(const KernelCall& call, Function function) {
  const Range share = share_of(call, element_count(call.inputs[0]));
  apply<V>(static_cast<const float*>(call.inputs[0].data) + share.begin,
           static_cast<float*>(call.outputs[0].data) + share.begin, share.end - share.begin, function);
}

template <class V>
void run_swish(const KernelCall& call) {
  run_unary<V>(call, [](V x) { return swish(x); });
}

template <class V>
void run_tanh(const KernelCall& call) {
  run_unary<V>(call, [](V x) { return hyperbolic_tangent(x); });
}

template <class V>
void run_gelu_erf(const KernelCall& call) {
  run_unary<V>(call, [](V x) { return gelu_erf(x); });
}

template <class V>
void run_gelu_tanh(const KernelCall& call) {
  run_unary<V>(call, [](V x) { return gelu_tanh(x); });
}

/// y[i] = operation(a[i], b[i]) for `count` values; y may be a or b.
template <class V, class Operation>
void apply(const float* a, const float* b, float* y, std::int64_t count, Operation operation) {
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(y + i, operation(load(V{}, a + i), load(V{}, b + i)));
  if (i < count)
    store_first(y + i, operation(load_first(V{}, a + i, count - i), load_first(V{}, b + i, count - i)),
                count - i);
}

template <class V, class Operation>
void run_binary(const KernelCall& call, Operation operation) {
  const std::int64_t count = element_count(call.inputs[0]);
  const std::int64_t b_count = element_count(call.inputs[1]);
  const Range share = share_of(call, count);
  const auto* a = static_cast<const float*>(call.inputs[0].data);
  const auto* b = static_cast<const float*>(call.inputs[1].data);
  auto* y = static_cast<float*>(call.outputs[0].data);
  if (b_count == 1 && count > 1) {
    const V operand = broadcast(V{}, b[0]);
    run_unary<V>(call, [operand, operation](V x) { return operation(x, operand); });
    return;
  }
  std::int64_t column = share.begin % b_count;
  for (std::int64_t i = share.begin; i < share.end; column = 0) {
    const std::int64_t length = b_count - column < share.end - i ? b_count - column : share.end - i;
    apply<V>(a + i, b + column, y + i, length, operation);
    i += length;
  }
}

template <class V>
void run_add(const KernelCall& call) {
  run_binary<V>(call, [](V a, V b) { return a + b; });
}

template <class V>
void run_mul(const KernelCall& call) {
  run_binary<V>(call, [](V a, V b) { return a * b; });
}

}  // namespace lathe::vector
