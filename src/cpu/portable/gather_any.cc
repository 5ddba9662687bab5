// GatherAny(data, indices; axis): slices of data of any type where indices say, whole runs at a time. An
// index out of range is a fault, and gives zeros.
#include <cstring>

#include "cpu/portable/element_visit.h"

namespace lathe::portable {
namespace {

void run(const KernelCall& call) {
  const auto& data = call.inputs[0];
  const auto& indices = call.inputs[1];
  const int axis = axis_of(call.attributes[0].integer, data.rank);
  const std::int64_t run_bytes = product(data, axis + 1, data.rank) * element_bytes(data);
  const std::int64_t count = element_count(indices);
  const auto* source = data_of<const std::byte>(data);
  auto* target = data_of<std::byte>(call.outputs[0]);
  const Share share = share_of(call, product(data, 0, axis) * count);
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const auto [index, ok] = checked_index(call, integer_at(indices, i % count), data.dims[axis]);
    std::byte* run = target + i * run_bytes;
    if (ok)
      std::memcpy(run, source + (i / count * data.dims[axis] + index) * run_bytes,
                  static_cast<std::size_t>(run_bytes));
    else
      std::memset(run, 0, static_cast<std::size_t>(run_bytes));
  }
}

}  // namespace

std::span<const Kernel> gather_any_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.gather_any",
                                     .op = "GatherAny",
                                     .arithmetic = "exact",
                                     .accepts = accepts_elements,
                                     .run = run,
                                     .serial = few_elements}};
  return kKernels;
}

}  // namespace lathe::portable
