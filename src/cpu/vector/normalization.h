// RMSNormalization, LayerNormalization, LpNormalization.
#pragma once

#include "cpu/vector/call.h"

namespace lathe::vector {

template <class V>
float sum_of_squares(const float* x, std::int64_t columns) {
  const std::int64_t whole = columns / kLanes * kLanes;
  V squares{};
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    const V value = load(V{}, x + i);
    squares = fma(value, value, squares);
  }
  const V tail = load_first(V{}, x + whole, columns - whole);
  return tree_sum(fma(tail, tail, squares));
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
  const V tail = load_first(V{}, x + whole, rest);
  V sum{};
  for (std::int64_t i = 0; i < whole; i += kLanes) sum = sum + load(V{}, x + i);
  const V mean = broadcast(V{}, tree_sum(sum + tail) / static_cast<float>(columns));
  V squares{};
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    const V difference = load(V{}, x + i) - mean;
    squares = fma(difference, difference, squares);
  }
  const V tail_difference = difference_from(tail, mean, rest);
  squares = fma(tail_difference, tail_difference, squares);
  const float variance = tree_sum(squares) / static_cast<float>(columns);
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
