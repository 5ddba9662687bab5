// Transpose: axis i of the output is axis perm[i] of x; an empty perm reverses the axes.
#include "cpu/portable/strided.h"
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
  const auto& output = call.outputs[0];
  const auto* x = data_of<const float>(call.inputs[0]);
  auto* y = data_of<float>(output);
  const Strides own = dense_strides(call.inputs[0]);
  const auto axes = permutation(call.attributes[0].text, output.rank);
  std::array<Strides, 1> strides{};
  for (std::size_t i = 0; i < axes.size(); ++i) strides[0][i] = own[static_cast<std::size_t>(axes[i])];
  for_each_run(output, strides, share_of(call, element_count(output)),
               [=](std::int64_t i, std::int64_t length, const auto& offsets, const auto& steps) {
                 for (std::int64_t k = 0; k < length; ++k) y[i + k] = x[offsets[0] + k * steps[0]];
               });
}

bool serial(const KernelCall& call) { return element_count(call.outputs[0]) <= 8192; }

}  // namespace

std::span<const Kernel> transpose_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.transpose",
                                     .op = "Transpose",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = run,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
