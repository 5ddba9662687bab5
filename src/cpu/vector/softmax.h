// Softmax and LogSoftmax: along the last axis a row at a time, along another one 16 columns side by side.
#pragma once

#include "cpu/vector/pointwise.h"
#include "cpu/vector/reduction.h"

namespace lathe::vector {

template <class V>
[[gnu::always_inline]] inline V load_lanes(const float* x, std::int64_t lanes) {
  return lanes < kLanes ? load_first(V{}, x, lanes) : load(V{}, x);
}

template <class V>
[[gnu::always_inline]] inline void store_lanes(float* y, V x, std::int64_t lanes) {
  lanes < kLanes ? store_first(y, x, lanes) : store(y, x);
}

/// The logarithm in double, rounded.
static inline float logarithm(float x) { return static_cast<float>(__builtin_log(static_cast<double>(x))); }

/// exp(x - shift) and its sum; it goes to y where `keep` says so.
template <class V, bool keep>
float exponentials(const float* x, float* y, std::int64_t count, V shift) {
  V sums{};
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const std::int64_t lanes = count - i < kLanes ? count - i : kLanes;
    const V e = exp(load_lanes<V>(x + i, lanes) - shift);
    if constexpr (keep) store_lanes(y + i, e, lanes);
    sums = sums + (lanes < kLanes ? select(0, lanes, e, V{}) : e);
  }
  return tree_sum(sums);
}

template <class V>
void softmax_row(const float* x, float* y, std::int64_t count) {
  const V shift = broadcast(V{}, greatest_of<V>(x, count));
  const V sum = broadcast(V{}, exponentials<V, true>(x, y, count, shift));
  apply<V>(y, y, count, [sum](V e) { return e / sum; });
}

template <class V>
void log_softmax_row(const float* x, float* y, std::int64_t count) {
  const V shift = broadcast(V{}, greatest_of<V>(x, count));
  const V log_sum = broadcast(V{}, logarithm(exponentials<V, false>(x, nullptr, count, shift)));
  apply<V>(x, y, count, [shift, log_sum](V value) { return (value - shift) - log_sum; });
}

/// Up to 16 columns of `count` elements, `step` apart.
template <class V, bool logarithmic>
void softmax_columns(const float* x, float* y, std::int64_t count, std::int64_t step, std::int64_t lanes) {
  V shift = broadcast(V{}, -__builtin_inff());
  for (std::int64_t i = 0; i < count; ++i) shift = greater(load_lanes<V>(x + i * step, lanes), shift);
  V sums[kLanes] = {};
  for (std::int64_t i = 0; i < count; ++i) {
    const V e = exp(load_lanes<V>(x + i * step, lanes) - shift);
    if constexpr (!logarithmic) store_lanes(y + i * step, e, lanes);
    sums[i % kLanes] = sums[i % kLanes] + e;
  }
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) sums[i] = sums[i] + sums[i + half];
  if constexpr (!logarithmic) {
    for (std::int64_t i = 0; i < count; ++i)
      store_lanes(y + i * step, load_lanes<V>(y + i * step, lanes) / sums[0], lanes);
  } else {
    float totals[kLanes];
    store(totals, sums[0]);
    for (std::int64_t i = 0; i < lanes; ++i) totals[i] = logarithm(totals[i]);
    const V log_sum = load_lanes<V>(totals, lanes);
    for (std::int64_t i = 0; i < count; ++i)
      store_lanes(y + i * step, (load_lanes<V>(x + i * step, lanes) - shift) - log_sum, lanes);
  }
}

template <class V, bool logarithmic>
void run_softmax_along(const KernelCall& call) {
  const TensorArg& tensor = call.inputs[0];
  const std::int64_t given = call.attributes[0].integer;
  const std::int64_t axis = given < 0 ? given + tensor.rank : given;
  std::int64_t inner = 1;
  for (std::int64_t i = axis + 1; i < tensor.rank; ++i) inner *= tensor.dims[i];
  const std::int64_t count = tensor.dims[axis];
  if (element_count(tensor) == 0) return;
  const auto* x = static_cast<const float*>(tensor.data);
  auto* y = static_cast<float*>(call.outputs[0].data);
  const std::int64_t blocks = (inner + kLanes - 1) / kLanes;
  const Range share = share_of(call, element_count(tensor) / (count * inner) * blocks);
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t column = i % blocks * kLanes;
    const std::int64_t offset = i / blocks * count * inner + column;
    if (inner > 1)
      softmax_columns<V, logarithmic>(x + offset, y + offset, count, inner,
                                      inner - column < kLanes ? inner - column : kLanes);
    else if constexpr (logarithmic)
      log_softmax_row<V>(x + offset, y + offset, count);
    else
      softmax_row<V>(x + offset, y + offset, count);
  }
}

template <class V>
void run_softmax(const KernelCall& call) {
  run_softmax_along<V, false>(call);
}

template <class V>
void run_log_softmax(const KernelCall& call) {
  run_softmax_along<V, true>(call);
}

}  // namespace lathe::vector
