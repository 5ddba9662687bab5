// RotaryTable: positions i32[T] -> [T, dims]; attributes base, dims. A row is dims/2 cosines, then dims/2
// sines, of position * base^(-2i / dims), in double and rounded once.
#include <cmath>

#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

bool accepts(const NodeTypes& types) {
  return types.inputs.size() == 1 && types.inputs[0].dtype == Dtype::i32 && all_f32(types.outputs);
}

void run(const KernelCall& call) {
  const auto* positions = data_of<const std::int32_t>(call.inputs[0]);
  auto* table = data_of<float>(call.outputs[0]);
  const double base = call.attributes[0].real;
  const std::int64_t dims = call.attributes[1].integer;
  const std::int64_t pairs = dims / 2;
  const Share share = share_of(call, call.inputs[0].dims[0]);
  for (std::int64_t pair = 0; pair < pairs; ++pair) {
    const double frequency = std::pow(base, -2.0 * static_cast<double>(pair) / static_cast<double>(dims));
    for (std::int64_t token = share.begin; token < share.end; ++token) {
      const double angle = positions[token] * frequency;
      table[token * dims + pair] = static_cast<float>(std::cos(angle));
      table[token * dims + pairs + pair] = static_cast<float>(std::sin(angle));
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
