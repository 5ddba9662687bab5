// Softmax and LogSoftmax along the attribute axis (softmax_row.h). The output may be x.
#include "cpu/portable/softmax_row.h"

#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

template <void (*function)(const SoftmaxRow&)>
void run(const KernelCall& call) {
  const auto& tensor = call.inputs[0];
  const std::int64_t given = call.attributes[0].integer;
  const auto axis = static_cast<int>(given < 0 ? given + tensor.rank : given);
  std::int64_t inner = 1;
  for (int i = axis + 1; i < tensor.rank; ++i) inner *= tensor.dims[i];
  const std::int64_t count = tensor.dims[axis];
  const Share share = share_of(call, count == 0 ? 0 : element_count(tensor) / count);
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t offset = i / inner * count * inner + i % inner;
    function({data_of<const float>(tensor) + offset, inner, data_of<float>(call.outputs[0]) + offset, inner,
              count});
  }
}

bool serial(const KernelCall& call) { return element_count(call.inputs[0]) <= 8192; }

}  // namespace

std::span<const Kernel> softmax_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.softmax",
                                     .op = "Softmax",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = run<softmax>,
                                     .serial = serial,
                                     .in_place_input = 0},
                                    {.name = "portable.log_softmax",
                                     .op = "LogSoftmax",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = run<log_softmax>,
                                     .serial = serial,
                                     .in_place_input = 0}};
  return kKernels;
}

}  // namespace lathe::portable
