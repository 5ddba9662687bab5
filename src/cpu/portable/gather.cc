// Gather: table [V, D] of any file type, indices i32[N] -> f32 [N, D].
#include <cstring>

#include "cpu/portable/kernel_arguments.h"
#include "quant/block_format.h"

namespace lathe::portable {
namespace {

bool accepts(const NodeTypes& types) {
  return types.inputs.size() == 2 && types.inputs[0].dtype <= Dtype::q6_k &&
         types.inputs[1].dtype == Dtype::i32 && all_f32(types.outputs);
}

void run(const KernelCall& call) {
  const auto& table = call.inputs[0];
  const auto dtype = static_cast<Dtype>(table.dtype);
  const std::int64_t columns = column_count(table);
  const auto* source = data_of<const std::byte>(table);
  const auto* indices = data_of<const std::int32_t>(call.inputs[1]);
  auto* output = data_of<float>(call.outputs[0]);
  const std::uint64_t bytes = row_bytes(dtype, columns);
  const Share share = share_of(call, row_count(call.outputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::byte* row = source + static_cast<std::uint64_t>(indices[i]) * bytes;
    if (dtype == Dtype::f32)
      std::memcpy(output + i * columns, row, bytes);
    else
      decode_rows(dtype, row, output + i * columns, 1, columns);
  }
}

bool serial(const KernelCall& call) { return has_few_rows(call.outputs[0], 1024); }

}  // namespace

std::span<const Kernel> gather_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.gather",
                                     .op = "Gather",
                                     .arithmetic = "f32",
                                     .accepts = accepts,
                                     .run = run,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
