// RangedQuantizeActivation; what it computes is in portable/ranged_quantize_activation.cc.
#pragma once

#include "cpu/matmul_shape.h"
#include "cpu/vector/call.h"

namespace lathe::vector {

template <class V>
void run_ranged_quantize_activation(const KernelCall& call) {
  const TensorArg& input = call.inputs[0];  // [tokens, columns] or [tokens, slots, columns]
  const auto optional_input = [&call](std::int32_t index) {
    return call.input_count > index ? static_cast<const float*>(call.inputs[index].data) : nullptr;
  };
  const float* ranges = optional_input(1);
  const float* marks = optional_input(2);
  const std::int64_t columns = column_count(input);
  const std::int64_t blocks = columns / kActivationBlock;
  const std::int64_t group =
      call.attributes[0].integer == 0 ? blocks : call.attributes[0].integer / kActivationBlock;
  const Range share = share_of(call, row_count(input));
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const float* values = static_cast<const float*>(input.data) + i * columns;
    std::uint8_t* row = static_cast<std::uint8_t*>(call.outputs[0].data) + i * activation_row_bytes(columns);
    if (ranges != nullptr) {
      quantize_known(V{}, values, ranges, marks, columns, row);
      continue;
    }
    for (std::int64_t first = 0; first < blocks; first += group)
      quantize_group(V{}, values + first * kActivationBlock, first, group, columns, row);
  }
}

}  // namespace lathe::vector
