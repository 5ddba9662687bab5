// SequenceMean: x [T, D], sequences i32[Q, 4] -> [Q, D]. Each column's sum over the rows of the sequence,
// ascending, divided by their number.
#include "backend/cache_layout.h"
#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

bool accepts(const NodeTypes& types) {
  return types.inputs.size() == 2 && types.inputs[0].dtype == Dtype::f32 &&
         types.inputs[1].dtype == Dtype::i32 && all_f32(types.outputs);
}

void run(const KernelCall& call) {
  const std::int64_t columns = column_count(call.inputs[0]);
  const auto* sequences = data_of<const SequenceEntry>(call.inputs[1]);
  const Share share = share_of(call, call.inputs[1].dims[0]);
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const SequenceEntry& sequence = sequences[i];
    const float* rows = data_of<const float>(call.inputs[0]) + sequence.first_token * columns;
    float* mean = data_of<float>(call.outputs[0]) + i * columns;
    for (std::int64_t column = 0; column < columns; ++column) {
      float sum = 0;
      for (std::int64_t row = 0; row < sequence.tokens; ++row) sum += rows[row * columns + column];
      mean[column] = sum / static_cast<float>(sequence.tokens);
    }
  }
}

bool serial(const KernelCall& call) { return element_count(call.inputs[0]) <= 16384; }

}  // namespace

std::span<const Kernel> sequence_mean_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.sequence_mean",
                                     .op = "SequenceMean",
                                     .arithmetic = "f32",
                                     .accepts = accepts,
                                     .run = run,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
