// TopK: x [S, V] -> values f32[S, k], indices i32[S, k]; attribute k. Greatest first, equals by lower index;
// NaN is left out; where fewer than k remain, -infinity with index -1 follows.
#include "cpu/portable/kernel_arguments.h"
#include "cpu/top_k_heap.h"

namespace lathe::portable {
namespace {

void run(const KernelCall& call) {
  const std::int64_t columns = column_count(call.inputs[0]);
  const std::int64_t k = call.attributes[0].integer;
  const Share share = share_of(call, row_count(call.inputs[0]));
  for (std::int64_t row = share.begin; row < share.end; ++row) {
    const float* x = data_of<const float>(call.inputs[0]) + row * columns;
    TopKHeap heap{data_of<float>(call.outputs[0]) + row * k, data_of<std::int32_t>(call.outputs[1]) + row * k,
                  0, k};
    for (std::int64_t i = 0; i < columns; ++i) top_k_offer(heap, x[i], static_cast<std::int32_t>(i));
    top_k_finish(heap);
  }
}

bool accepts(const NodeTypes& types) {
  return all_f32(types.inputs) && types.outputs.size() == 2 && types.outputs[0].dtype == Dtype::f32 &&
         types.outputs[1].dtype == Dtype::i32;
}

bool serial(const KernelCall& call) { return row_count(call.inputs[0]) == 1; }

}  // namespace

std::span<const Kernel> top_k_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.top_k",
                                     .op = "TopK",
                                     .arithmetic = "f32",
                                     .accepts = accepts,
                                     .run = run,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
