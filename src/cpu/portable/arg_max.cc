// ArgMax: x [S, V] -> i32[S]. The lowest index among equals; NaN wins only where all are NaN (then 0).
#include <limits>

#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

std::int32_t arg_max(const float* x, std::int64_t columns) {
  float greatest = -std::numeric_limits<float>::infinity();
  for (std::int64_t i = 0; i < columns; ++i) greatest = x[i] > greatest ? x[i] : greatest;
  for (std::int64_t i = 0; i < columns; ++i)
    if (x[i] == greatest) return static_cast<std::int32_t>(i);
  return 0;
}

void run(const KernelCall& call) {
  const std::int64_t columns = column_count(call.inputs[0]);
  const Share share = share_of(call, row_count(call.inputs[0]));
  for (std::int64_t row = share.begin; row < share.end; ++row)
    data_of<std::int32_t>(call.outputs[0])[row] =
        arg_max(data_of<const float>(call.inputs[0]) + row * columns, columns);
}

bool accepts(const NodeTypes& types) {
  return all_f32(types.inputs) && types.outputs.size() == 1 && types.outputs[0].dtype == Dtype::i32;
}

bool serial(const KernelCall& call) { return row_count(call.inputs[0]) == 1; }

}  // namespace

std::span<const Kernel> arg_max_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.arg_max",
                                     .op = "ArgMax",
                                     .arithmetic = "f32",
                                     .accepts = accepts,
                                     .run = run,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
