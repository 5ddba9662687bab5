// MapCodes: of each byte of x the one that a table of 256 bytes has for it.
#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

void run(const KernelCall& call) {
  const auto* x = data_of<const std::uint8_t>(call.inputs[0]);
  const auto* table = data_of<const std::uint8_t>(call.inputs[1]);
  auto* y = data_of<std::uint8_t>(call.outputs[0]);
  const Share share = share_of(call, element_count(call.inputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) y[i] = table[x[i]];
}

}  // namespace

std::span<const Kernel> map_codes_kernels() {
  static const Kernel kKernels[] = {
      {.name = "portable.map_codes",
       .op = "MapCodes",
       .arithmetic = "any",
       .accepts = [](const NodeTypes&) { return true; },  // the rule has checked
       .run = run,
       .serial = [](const KernelCall& call) { return is_small(call.inputs[0], 32768); }}};
  return kKernels;
}

}  // namespace lathe::portable
