// RMSNormalization, LayerNormalization, LpNormalization.
#pragma once

#include "cpu/vector/call.h"

namespace lathe::vector {

/// The sum over a row in 64 lanes, columns i, i + 64, ...: add(value, sum) is the sum of vectors with one
/// more. Behind the row's end `value` is `rest`, which adds nothing.
template <class V, class Add>
[[gnu::always_inline]] inline float sum_row(const float* x, std::int64_t columns, V rest, Add add) {
  constexpr int kSums = 4;
  V sums[kSums] = {};
  std::int64_t i = 0;
  for (; i + kSums * kLanes <= columns; i += kSums * kLanes)
#pragma GCC unroll 4
    for (int k = 0; k < kSums; ++k) sums[k] = add(load(V{}, x + i + k * kLanes), sums[k]);
#pragma GCC unroll 4
  for (int k = 0; k < kSums; ++k) {
    if (i >= columns) break;
    const std::int64_t count = columns - i < kLanes ? columns - i : kLanes;
    sums[k] = add(load_first(rest, x + i, count), sums[k]);
    i += count;
  }
  return tree_sum((sums[0] + sums[2]) + (sums[1] + sums[3]));
}

template <class V>
float sum_of_squares(const float* x, std::int64_t columns) {
  return sum_row(x, columns, V{}, [](V value, V sum) { return fma(value, value, sum); });
}

template <class V>
void normalize_row(const float* x, const float* scale, float epsilon, float* y, std::int64_t columns) {
  const std::int64_t whole = columns / kLanes * kLanes;
  const std::int64_t rest = columns - whole;
  const V tail = load_first(V{}, x + whole, rest);
  const float mean = sum_of_squares<V>(x, columns) / static_cast<float>(columns);
  const V r = broadcast(V{}, 1.0f / square_root(V{}, mean + epsilon));
  for (std::int64_t i = 0; i < whole; i += kLanes)
    store(y + i, (load(V{}, x + i) * r) * load(V{}, scale + i));
  store_first(y + whole, (tail * r) * load_first(V{}, scale + whole, rest), rest);
}

template <class V>
void run_rms_normalization(const KernelCall& call) {
  const std::int64_t columns = column_count(call.inputs[0]);
  const Range share = share_of(call, row_count(call.inputs[0]));
  for (std::int64_t row = share.begin; row < share.end; ++row)
    normalize_row<V>(static_cast<const float*>(call.inputs[0].data) + row * columns,
                     static_cast<const float*>(call.inputs[1].data),
                     static_cast<float>(call.attributes[0].real),
                     static_cast<float*>(call.outputs[0].data) + row * columns, columns);
}

template <class V>
V difference_from(V x, V mean, std::int64_t count) {
  return select(0, count, x - mean, V{});
}

template <class V>
void layer_normalize_row(const float* x, const float* scale, const float* bias, float epsilon, float* y,
                         std::int64_t columns) {
  const std::int64_t whole = columns / kLanes * kLanes;
  const std::int64_t rest = columns - whole;
  const float sum = sum_row(x, columns, V{}, [](V value, V total) { return total + value; });
  const V mean = broadcast(V{}, sum / static_cast<float>(columns));
  const float squares = sum_row(x, columns, mean, [mean](V value, V total) {
    const V difference = value - mean;
    return fma(difference, difference, total);
  });
  const float variance = squares / static_cast<float>(columns);
  const V tail_difference = difference_from(load_first(V{}, x + whole, rest), mean, rest);
  const V r = broadcast(V{}, 1.0f / square_root(V{}, variance + epsilon));
  if (bias == nullptr) {
    for (std::int64_t i = 0; i < whole; i += kLanes)
      store(y + i, ((load(V{}, x + i) - mean) * r) * load(V{}, scale + i));
    store_first(y + whole, (tail_difference * r) * load_first(V{}, scale + whole, rest), rest);
    return;
  }
  for (std::int64_t i = 0; i < whole; i += kLanes)
    store(y + i, ((load(V{}, x + i) - mean) * r) * load(V{}, scale + i) + load(V{}, bias + i));
  const V scaled = (tail_difference * r) * load_first(V{}, scale + whole, rest);
  store_first(y + whole, scaled + load_first(V{}, bias + whole, rest), rest);
}

template <class V>
void run_layer_normalization(const KernelCall& call) {
  const std::int64_t columns = column_count(call.inputs[0]);
  const Range share = share_of(call, row_count(call.inputs[0]));
  for (std::int64_t row = share.begin; row < share.end; ++row)
    layer_normalize_row<V>(static_cast<const float*>(call.inputs[0].data) + row * columns,
                           static_cast<const float*>(call.inputs[1].data),
                           call.input_count > 2 ? static_cast<const float*>(call.inputs[2].data) : nullptr,
                           static_cast<float>(call.attributes[0].real),
                           static_cast<float*>(call.outputs[0].data) + row * columns, columns);
}

template <class V>
void lp_normalize_row(const float* x, float* y, std::int64_t columns) {
  constexpr float kLeastNorm = 1e-12f;
  const float root = square_root(V{}, sum_of_squares<V>(x, columns));
  const V norm = broadcast(V{}, root < kLeastNorm ? kLeastNorm : root);
  const std::int64_t whole = columns / kLanes * kLanes;
  for (std::int64_t i = 0; i < whole; i += kLanes) store(y + i, load(V{}, x + i) / norm);
  const std::int64_t rest = columns - whole;
  store_first(y + whole, load_first(V{}, x + whole, rest) / norm, rest);
}

template <class V>
void run_lp_normalization(const KernelCall& call) {
  const std::int64_t columns = column_count(call.inputs[0]);
  const Range share = share_of(call, row_count(call.inputs[0]));
  for (std::int64_t row = share.begin; row < share.end; ++row)
    lp_normalize_row<V>(static_cast<const float*>(call.inputs[0].data) + row * columns,
                        static_cast<float*>(call.outputs[0].data) + row * columns, columns);
}

}  // namespace lathe::vector
