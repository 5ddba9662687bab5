// Slice(data, starts, ends, axes, steps) and ExpandAny(x, shape): elements of any type, some of them or
// several times, in the order in which they lie.
#include "cpu/portable/strided.h"
#include "cpu/portable/strided_copy.h"
#include "graph/slice_range.h"

namespace lathe::portable {
namespace {

void refuse(const KernelCall& call) {
  if (call.fault != nullptr) *call.fault = 1;
}

void run_slice(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const auto& output = call.outputs[0];
  std::array<SliceRange, kMaxRank> ranges;
  for (int axis = 0; axis < x.rank; ++axis) ranges[static_cast<std::size_t>(axis)] = {0, 1, x.dims[axis]};
  const std::int64_t named = element_count(call.inputs[1]);
  for (std::int64_t i = 0; i < named; ++i) {
    const auto given = has_input(call, 3) ? integer_at(call.inputs[3], i) : i;
    const int axis = axis_of(given, x.rank);
    if (axis < 0 || axis >= x.rank) return refuse(call);
    ranges[static_cast<std::size_t>(axis)] =
        slice_range(x.dims[axis], integer_at(call.inputs[1], i), integer_at(call.inputs[2], i),
                    has_input(call, 4) ? integer_at(call.inputs[4], i) : 1);
  }
  for (int axis = 0; axis < x.rank; ++axis)  // a plan may have been made of other numbers
    if (ranges[static_cast<std::size_t>(axis)].count != output.dims[axis]) return refuse(call);
  const Strides from = dense_strides(x);
  const Strides to = dense_strides(output);
  std::int64_t first = 0;
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(x.rank); ++axis)
    first += ranges[axis].start * from[axis];
  StridedCopy copy(element_at(x, first), output.data);
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(x.rank); ++axis)
    copy.add_axis(ranges[axis].count, from[axis] * ranges[axis].step, to[axis]);
  run_copy(copy, x, call);
}

void run_expand(const KernelCall& call) {
  const auto& output = call.outputs[0];
  const Strides from = broadcast_strides(call.inputs[0], output);
  const Strides to = dense_strides(output);
  StridedCopy copy(call.inputs[0].data, output.data);
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(output.rank); ++axis)
    copy.add_axis(output.dims[axis], from[axis], to[axis]);
  run_copy(copy, output, call);
}

}  // namespace

std::span<const Kernel> slice_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.slice",
                                     .op = "Slice",
                                     .arithmetic = "exact",
                                     .accepts = accepts_elements,
                                     .run = run_slice,
                                     .serial = few_elements},
                                    {.name = "portable.expand_any",
                                     .op = "ExpandAny",
                                     .arithmetic = "exact",
                                     .accepts = accepts_elements,
                                     .run = run_expand,
                                     .serial = few_elements}};
  return kKernels;
}

}  // namespace lathe::portable
