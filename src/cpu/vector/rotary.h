// RotaryEmbedding.
#pragma once

#include "cpu/vector/call.h"

namespace lathe::vector {

/// Pairs (i, i + pairs).
template <class V>
void rotate_halves(const float* x, const float* cosines, const float* sines, float* y, std::int64_t pairs) {
  for (std::int64_t i = 0; i < pairs; i += kLanes) {
    const std::int64_t count = pairs - i < kLanes ? pairs - i : kLanes;
    const V a = load_first(V{}, x + i, count);
    const V b = load_first(V{}, x + pairs + i, count);
    const V cosine = load_first(V{}, cosines + i, count);
    const V sine = load_first(V{}, sines + i, count);
    store_first(y + i, fma(a, cosine, -(b * sine)), count);
    store_first(y + pairs + i, fma(a, sine, b * cosine), count);
  }
}

/// Pairs (2i, 2i + 1), eight in a vector: fma(a, cos, b * -sin) in even lanes, fma(a, sin, b * cos) in odd
/// ones.
template <class V>
void rotate_neighbours(const float* x, const float* cosines, const float* sines, float* y,
                       std::int64_t pairs) {
  std::int64_t i = 0;
  for (; i + kLanes / 2 <= pairs; i += kLanes / 2) {
    const V both = load(V{}, x + 2 * i);
    const V with_a = interleave(V{}, cosines + i, sines + i);
    const V with_b = negate_even(interleave(V{}, sines + i, cosines + i));
    store(y + 2 * i, fma(repeat_even(both), with_a, repeat_odd(both) * with_b));
  }
  for (; i < pairs; ++i) {
    const float a = x[2 * i];
    const float b = x[2 * i + 1];
    y[2 * i] = __builtin_fmaf(a, cosines[i], -(b * sines[i]));
    y[2 * i + 1] = __builtin_fmaf(a, sines[i], b * cosines[i]);
  }
}

/// One row by its `dims` / 2 cosines and then as many sines; columns from dims on are copied.
template <class V>
void rotate_row(const float* x, const float* cosines, std::int64_t dims, std::int64_t head_dim,
                bool interleaved, float* y) {
  const std::int64_t pairs = dims / 2;
  if (interleaved)
    rotate_neighbours<V>(x, cosines, cosines + pairs, y, pairs);
  else
    rotate_halves<V>(x, cosines, cosines + pairs, y, pairs);
  for (std::int64_t i = dims; i < head_dim; ++i) y[i] = x[i];
}

/// This thread's share of x [tokens, heads, head_dim]; table [tokens, dims].
template <class V>
void rotate_rows(const KernelCall& call, const TensorArg& x, const TensorArg& table, bool interleaved,
                 float* y) {
  const std::int64_t heads = x.dims[1];
  const std::int64_t head_dim = x.dims[2];
  const std::int64_t dims = table.dims[1];
  const Range share = share_of(call, x.dims[0] * heads);
  for (std::int64_t row = share.begin; row < share.end; ++row)
    rotate_row<V>(static_cast<const float*>(x.data) + row * head_dim,
                  static_cast<const float*>(table.data) + row / heads * dims, dims, head_dim, interleaved,
                  y + row * head_dim);
}

template <class V>
void run_rotary_embedding(const KernelCall& call) {
  rotate_rows<V>(call, call.inputs[0], call.inputs[1], call.attributes[0].integer != 0,
                 static_cast<float*>(call.outputs[0].data));
}

}  // namespace lathe::vector
