// Concat and Split: tensors side by side along an axis, and apart again. Runs behind the axis are copied
// whole.
#include "cpu/portable/strided_copy.h"

namespace lathe::portable {
namespace {

/// Where runs behind the axis are long, threads share each of them: convolution and pooling share planes
/// likewise, and what a core has written it reads again.
constexpr std::int64_t kLeastRunBytes = 512;

/// Between `part` and its place in `whole`, which begins at `begin` of the axis.
void copy_part(const KernelCall& call, const TensorArg& part, const TensorArg& whole, int axis,
               std::int64_t begin, bool joins) {
  const std::int64_t inner = product(part, axis + 1, part.rank);
  const std::int64_t part_row = part.dims[axis] * inner;
  const std::int64_t whole_row = whole.dims[axis] * inner;
  KernelCall own = call;
  Share columns{0, inner};
  if (inner * element_bytes(part) >= kLeastRunBytes * call.threads) {
    columns = share_of(call, inner);
    own.thread = 0;
    own.threads = 1;
  }
  void* place = element_at(whole, begin * inner + columns.begin);
  void* other = element_at(part, columns.begin);
  if (place == other) return;  // it was computed where it ends up
  StridedCopy copy(joins ? other : place, joins ? place : other);
  copy.add_axis(product(part, 0, axis), joins ? part_row : whole_row, joins ? whole_row : part_row);
  copy.add_axis(part.dims[axis], inner, inner);
  copy.add_axis(columns.end - columns.begin, 1, 1);
  run_copy(copy, part, own);
}

void run_concat(const KernelCall& call) {
  const auto& whole = call.outputs[0];
  const int axis = axis_of(call.attributes[0].integer, whole.rank);
  std::int64_t begin = 0;
  for (int i = 0; i < call.input_count; ++i) {
    copy_part(call, call.inputs[i], whole, axis, begin, true);
    begin += call.inputs[i].dims[axis];
  }
}

void run_split(const KernelCall& call) {
  const auto& whole = call.inputs[0];
  const int axis = axis_of(call.attributes[0].integer, whole.rank);
  std::int64_t begin = 0;
  for (std::int64_t i = 0; i < call.attributes[2].integer; ++i) {
    copy_part(call, call.outputs[i], whole, axis, begin, false);
    begin += call.outputs[i].dims[axis];
  }
}

bool serial_split(const KernelCall& call) { return element_count(call.inputs[0]) <= 8192; }

}  // namespace

std::span<const Kernel> concat_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.concat",
                                     .op = "Concat",
                                     .arithmetic = "exact",
                                     .accepts = accepts_elements,
                                     .run = run_concat,
                                     .serial = few_elements},
                                    {.name = "portable.split",
                                     .op = "Split",
                                     .arithmetic = "exact",
                                     .accepts = accepts_elements,
                                     .run = run_split,
                                     .serial = serial_split}};
  return kKernels;
}

}  // namespace lathe::portable
