// RotaryTable: positions i32[T], frequencies f64[pairs] -> [T, 2 * pairs]; attribute magnitude. A row is the
// pairs' cosines, then their sines, of position * frequency, times magnitude, in double and rounded once.
#include "cpu/portable/kernel_arguments.h"
#include "cpu/rotary_angles.h"

namespace lathe::portable {
namespace {

bool accepts(const NodeTypes& types) {
  return types.inputs.size() == 2 && types.inputs[0].dtype == Dtype::i32 &&
         types.inputs[1].dtype == Dtype::f64 && all_f32(types.outputs);
}

void run(const KernelCall& call) {
  const auto* positions = data_of<const std::int32_t>(call.inputs[0]);
  const std::int64_t pairs = call.inputs[1].dims[0];
  const Share share = share_of(call, call.inputs[0].dims[0]);
  for (std::int64_t token = share.begin; token < share.end; ++token)
    rotary_angles::fill_row(positions[token], data_of<const double>(call.inputs[1]), pairs,
                            call.attributes[0].real, data_of<float>(call.outputs[0]) + token * 2 * pairs);
}

bool serial(const KernelCall& call) { return has_few_rows(call.outputs[0], 1024); }

}  // namespace

std::span<const Kernel> rotary_table_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.rotary_table",
                                     .op = "RotaryTable",
                                     .arithmetic = "f32",
                                     .accepts = accepts,
                                     .run = run,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
