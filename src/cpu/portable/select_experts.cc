// SelectExperts: logits f32[T, E] -> weights f32[T, k], experts i32[T, k]; attributes k, normalize.
// p = exp(x - max) / sum, summed in 16 lanes, columns i, i + 16, ...; the k greatest, equals by lower index;
// where normalize, each divided by their sum in that order. A row whose softmax is NaN takes experts 0 to k -
// 1 with NaN weights, so that what reads them stays in bounds and the NaN comes through.
#include <limits>

#include "cpu/chosen_experts.h"
#include "cpu/portable/exp_f32.h"
#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

void softmax(const float* x, std::int64_t columns, float* p) {
  float greatest = -std::numeric_limits<float>::infinity();
  for (std::int64_t i = 0; i < columns; ++i) greatest = x[i] > greatest ? x[i] : greatest;
  float lanes[16] = {};
  for (std::int64_t i = 0; i < columns; ++i) {
    p[i] = exp_f32(x[i] - greatest);
    lanes[i % 16] += p[i];
  }
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  for (std::int64_t i = 0; i < columns; ++i) p[i] /= lanes[0];
}

void run(const KernelCall& call) {
  const std::int64_t columns = column_count(call.inputs[0]);
  const std::int64_t k = call.attributes[0].integer;
  const bool normalize = call.attributes[1].integer != 0;
  auto* p = static_cast<float*>(call.scratch);
  const Share share = share_of(call, row_count(call.inputs[0]));
  for (std::int64_t row = share.begin; row < share.end; ++row) {
    softmax(data_of<const float>(call.inputs[0]) + row * columns, columns, p);
    TopKHeap heap{data_of<float>(call.outputs[0]) + row * k, data_of<std::int32_t>(call.outputs[1]) + row * k,
                  0, k};
    for (std::int64_t i = 0; i < columns; ++i) top_k_offer(heap, p[i], static_cast<std::int32_t>(i));
    top_k_finish(heap);
    weigh_chosen_experts(heap, normalize);
  }
}

std::size_t scratch_bytes(const KernelCall& call) {
  return static_cast<std::size_t>(column_count(call.inputs[0])) * sizeof(float);
}

bool accepts(const NodeTypes& types) {
  return all_f32(types.inputs) && types.outputs.size() == 2 && types.outputs[0].dtype == Dtype::f32 &&
         types.outputs[1].dtype == Dtype::i32;
}

bool serial(const KernelCall& call) { return element_count(call.inputs[0]) <= 4096; }

}  // namespace

std::span<const Kernel> select_experts_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.select_experts",
                                     .op = "SelectExperts",
                                     .arithmetic = "f32",
                                     .accepts = accepts,
                                     .run = run,
                                     .scratch_bytes = scratch_bytes,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
