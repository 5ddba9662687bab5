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

template <class V>
void run_rotary_embedding(const KernelCall& call) {
  const TensorArg& input = call.inputs[0];  // [tokens, heads, head_dim]
  const std::int64_t heads = input.dims[1];
  const std::int64_t head_dim = input.dims[2];
  const std::int64_t dims = call.inputs[1].dims[1];
  const std::int64_t pairs = dims / 2;
  const bool interleaved = call.attributes[0].integer != 0;
  const Range share = share_of(call, input.dims[0] * heads);
  for (std::int64_t row = share.begin; row < share.end; ++row) {
    const float* x = static_cast<const float*>(input.data) + row * head_dim;
    float* y = static_cast<float*>(call.outputs[0].data) + row * head_dim;
    const float* cosines = static_cast<const float*>(call.inputs[1].data) + row / heads * dims;
    if (interleaved)
      rotate_neighbours<V>(x, cosines, cosines + pairs, y, pairs);
    else
      rotate_halves<V>(x, cosines, cosines + pairs, y, pairs);
    for (std::int64_t i = dims; i < head_dim; ++i) y[i] = x[i];
  }
}

}  // namespace lathe::vector
