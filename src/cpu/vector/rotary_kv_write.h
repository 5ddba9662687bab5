// RotaryKvWrite: the rotation of vector/rotary.h on the way into the pages of vector/kv_write.h.
#pragma once

#include "cpu/vector/kv_write.h"
#include "cpu/vector/rotary.h"

namespace lathe::vector {

template <class V>
void run_rotary_kv_write(const KernelCall& call) {
  const TensorArg& table = call.inputs[5];  // [tokens, dims]
  const std::int64_t dims = table.dims[1];
  const std::int64_t head_dim = call.inputs[1].dims[2];
  const bool interleaved = call.attributes[1].integer != 0;
  const auto* angles = static_cast<const float*>(table.data);
  auto* rotated = static_cast<float*>(call.scratch);  // [head_dim], and a row for the page type
  write_by_type<V>(
      call, call.inputs + 1, call.attributes[0].integer,
      [=](const float* key, std::int64_t token) {
        rotate_row<V>(key, angles + token * dims, dims, head_dim, interleaved, rotated);
        return static_cast<const float*>(rotated);
      },
      rotated + head_dim);
  if (call.input_count > 6)
    rotate_rows<V>(call, call.inputs[6], table, interleaved, static_cast<float*>(call.outputs[1].data));
}

}  // namespace lathe::vector
