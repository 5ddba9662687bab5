// QuantizeActivation: float rows to 8-bit codes with scale, zero and sums per 32 columns
// (quant/activation.h). A second input f32 [columns] is not 0 at columns that are fine; of a block the first
// two of them count.
#include <span>

#include "backend/kernel.h"
#include "cpu/matmul_shape.h"
#include "cpu/portable/kernel_arguments.h"
#include "cpu/portable/row_functions.h"

namespace lathe::portable {
namespace {

void quantize_activation(const KernelCall& call) {
  const TensorArg& input = call.inputs[0];  // [tokens, columns] or [tokens, slots, columns]
  const std::int64_t columns = column_count(input);
  const std::int64_t blocks = columns / kActivationBlock;
  const auto share = thread_share(row_count(input) * blocks, call.thread, call.threads);
  const auto* values = static_cast<const float*>(input.data);
  const auto* marks = call.input_count > 1 ? static_cast<const float*>(call.inputs[1].data) : nullptr;
  auto* rows = static_cast<std::uint8_t*>(call.outputs[0].data);
  for (std::int64_t i = share.begin; i < share.end; ++i)
    quantize_blocks(values + i * kActivationBlock,
                    marks == nullptr ? nullptr : marks + i % blocks * kActivationBlock, i % blocks, 1,
                    columns, rows + i / blocks * activation_row_bytes(columns));
}

bool accepts(const NodeTypes& types) {
  return types.inputs.size() <= 2 && types.inputs.back().dtype == Dtype::f32 &&
         types.inputs[0].dtype == Dtype::f32 && types.inputs[0].dims.size() >= 2 &&
         types.outputs[0].dtype == Dtype::a8 && types.inputs[0].dims.back().value % kActivationBlock == 0;
}

// Below this a second thread costs more than it brings.
bool serial(const KernelCall& call) { return is_small(call.inputs[0], 1024); }

}  // namespace

std::span<const Kernel> quantize_activation_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.quantize_activation",
                                     .op = "QuantizeActivation",
                                     .arithmetic = "int8",
                                     .accepts = accepts,
                                     .run = quantize_activation,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
