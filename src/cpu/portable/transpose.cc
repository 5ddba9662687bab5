// Transpose: axis i of the output is axis perm[i] of x; an empty perm reverses the axes. Elements of any
// type.
#include "cpu/portable/strided.h"
#include "cpu/portable/strided_copy.h"
#include "cpu/portable/text_list.h"

namespace lathe::portable {
namespace {

/// From the text; reversed where it is empty.
std::array<int, kMaxRank> permutation(const char* text, int rank) {
  AxisList list = axis_list(text, rank);
  for (int i = 0; list.count == 0 && i < rank; ++i) list.axes[static_cast<std::size_t>(i)] = rank - 1 - i;
  return list.axes;
}

void run(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const auto& output = call.outputs[0];
  const Strides from = dense_strides(x);
  const Strides to = dense_strides(output);
  const auto axes = permutation(call.attributes[0].text, output.rank);
  StridedCopy copy(x.data, output.data);
  for (int i = 0; i < output.rank; ++i)
    copy.add_axis(output.dims[i], from[static_cast<std::size_t>(axes[static_cast<std::size_t>(i)])],
                  to[static_cast<std::size_t>(i)]);
  run_copy(copy, x, call);
}

}  // namespace

std::span<const Kernel> transpose_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.transpose",
                                     .op = "Transpose",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = run,
                                     .serial = few_elements},
                                    {.name = "portable.transpose_any",
                                     .op = "TransposeAny",
                                     .arithmetic = "exact",
                                     .accepts = accepts_elements,
                                     .run = run,
                                     .serial = few_elements}};
  return kKernels;
}

}  // namespace lathe::portable
