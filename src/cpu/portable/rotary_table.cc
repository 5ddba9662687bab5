// RotaryTable: positions i32[T], frequencies f64[pairs] -> [T, 2 * pairs]; attribute magnitude. A row is the
// pairs' cosines, then their sines, of position * frequency, times magnitude, in double and rounded once.
#include <cmath>

#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

bool accepts(const NodeTypes& types) {
  return types.inputs.size() == 2 && types.inputs[0].dtype == Dtype::i32 &&
         types.inputs[1].dtype == Dtype::f64 && all_f32(types.outputs);
}

void run(const KernelCall& call) {
  const auto* positions = data_of<const std::int32_t>(call.inputs[0]);
  auto* table = data_of<float>(call.outputs[0]);
  const auto* frequencies = data_of<const double>(call.inputs[1]);
  const double magnitude = call.attributes[0].real;
  const std::int64_t pairs = call.inputs[1].dims[0];
  const Share share = share_of(call, call.inputs[0].dims[0]);
  for (std::int64_t token = share.begin; token < share.end; ++token) {
    float* row = table + token * 2 * pairs;
    for (std::int64_t pair = 0; pair < pairs; ++pair) {
      const double angle = positions[token] * frequencies[pair];
      row[pair] = static_cast<float>(std::cos(angle) * magnitude);
      row[pairs + pair] = static_cast<float>(std::sin(angle) * magnitude);
    }
  }
}

bool serial(const KernelCall& call) { return element_count(call.outputs[0]) <= 256; }

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
