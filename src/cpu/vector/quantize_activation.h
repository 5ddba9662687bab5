// QuantizeActivation.
#pragma once

#include "cpu/matmul_shape.h"
#include "cpu/vector/call.h"

namespace lathe::vector {

template <class V>
void run_quantize_activation(const KernelCall& call) {
  const TensorArg& input = call.inputs[0];  // [tokens, columns] or [tokens, slots, columns]
  const std::int64_t columns = column_count(input);
  const std::int64_t blocks = columns / kActivationBlock;
  const Range share = share_of(call, row_count(input) * blocks);
  const auto* values = static_cast<const float*>(input.data);
  const auto* marks = call.input_count > 1 ? static_cast<const float*>(call.inputs[1].data) : nullptr;
  auto* rows = static_cast<std::uint8_t*>(call.outputs[0].data);
  for (std::int64_t i = share.begin; i < share.end;) {
    const std::int64_t row = i / blocks;
    const std::int64_t end = (row + 1) * blocks < share.end ? (row + 1) * blocks : share.end;
    const std::int64_t first = i - row * blocks;
    quantize_blocks(V{}, values + i * kActivationBlock,
                    marks == nullptr ? nullptr : marks + first * kActivationBlock, first, end - i, columns,
                    rows + row * activation_row_bytes(columns));
    i = end;
  }
}

}  // namespace lathe::vector
