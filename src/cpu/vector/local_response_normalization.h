// LRN in float32 with the power 0.75 on vectors: portable/local_response_normalization.cc, the same
// operations.
#pragma once

#include "cpu/vector/call.h"

namespace lathe::vector {

template <class V>
[[gnu::always_inline]] inline V load_up_to(const float* x, std::int64_t count) {
  return count >= kLanes ? load(V{}, x) : load_first(broadcast(V{}, 0.0f), x, count);
}

template <class V>
void run_lrn_roots(const KernelCall& call) {
  const TensorArg& input = call.inputs[0];
  const std::int64_t size = call.attributes[3].integer;
  const V scale = broadcast(V{}, static_cast<float>(call.attributes[0].real / static_cast<double>(size)));
  const V bias = broadcast(V{}, static_cast<float>(call.attributes[2].real));
  const std::int64_t channels = input.dims[1];
  std::int64_t pixels = 1;
  for (int i = 2; i < input.rank; ++i) pixels *= input.dims[i];
  const auto* x = static_cast<const float*>(input.data);
  auto* y = static_cast<float*>(call.outputs[0].data);
  const Range share = share_of(call, input.dims[0] * channels);
  for (std::int64_t plane = share.begin; plane < share.end; ++plane) {
    const std::int64_t channel = plane % channels;
    const std::int64_t before = (size - 1) / 2 < channel ? (size - 1) / 2 : channel;
    const std::int64_t behind = size / 2 < channels - 1 - channel ? size / 2 : channels - 1 - channel;
    for (std::int64_t i = 0; i < pixels; i += kLanes) {
      const float* own = x + plane * pixels + i;
      const std::int64_t count = pixels - i;
      V sum = broadcast(V{}, 0.0f);
      for (std::int64_t other = -before; other <= behind; ++other) {
        const V value = load_up_to<V>(own + other * pixels, count);
        sum = sum + value * value;
      }
      const V root = square_root(bias + scale * sum);
      const V result = load_up_to<V>(own, count) / (root * square_root(root));
      if (count >= kLanes)
        store(y + plane * pixels + i, result);
      else
        store_first(y + plane * pixels + i, result, count);
    }
  }
}

}  // namespace lathe::vector
