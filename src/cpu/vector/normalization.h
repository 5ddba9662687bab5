// RMSNormalization.
#pragma once

#include "cpu/vector/call.h"

namespace lathe::vector {

template <class V>
void normalize_row(const float* x, const float* scale, float epsilon, float* y, std::int64_t columns) {
  const std::int64_t whole = columns / kLanes * kLanes;
  const std::int64_t rest = columns - whole;
  V squares{};
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    const V value = load(V{}, x + i);
    squares = fma(value, value, squares);
  }
  const V tail = load_first(V{}, x + whole, rest);
  squares = fma(tail, tail, squares);
  const float mean = tree_sum(squares) / static_cast<float>(columns);
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

}  // namespace lathe::vector
