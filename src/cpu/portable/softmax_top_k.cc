// SoftmaxTopK: x [..., D, ...] -> values f32[..., k, ...], indices i64[..., k, ...] along the attribute axis;
// the k greatest of the row's Softmax, or least where largest is 0; of its LogSoftmax where log is 1. The
// row's softmax lies in scratch alone. Bit-equal to Softmax (softmax_row.h) and TopKAny (sort_first.h) one
// after the other.
#include "cpu/portable/kernel_arguments.h"
#include "cpu/portable/softmax_row.h"
#include "cpu/portable/sort_first.h"

namespace lathe::portable {
namespace {

std::int64_t row_length(const KernelCall& call) {
  const TensorArg& x = call.inputs[0];
  return x.dims[axis_of(call.attributes[0].integer, x.rank)];
}

void run(const KernelCall& call) {
  const TensorArg& x = call.inputs[0];
  const int axis = axis_of(call.attributes[0].integer, x.rank);
  const std::int64_t k = call.attributes[1].integer;
  const bool largest = call.attributes[2].integer != 0;
  const auto function = call.attributes[3].integer != 0 ? log_softmax : softmax;
  const std::int64_t inner = product(x, axis + 1, x.rank);
  const std::int64_t count = x.dims[axis];
  auto* order = static_cast<std::int64_t*>(call.scratch);  // [D]
  auto* row = reinterpret_cast<float*>(order + count);     // [D]
  const Share share = share_of(call, product(x, 0, axis) * inner);
  for (std::int64_t lane = share.begin; lane < share.end; ++lane) {
    const auto* lane_x = data_of<const float>(x) + lane / inner * count * inner + lane % inner;
    function({lane_x, inner, row, 1, count});
    sort_first(order, k, count, largest, [row](std::int64_t i) { return row[i]; });
    const std::int64_t begin = lane / inner * k * inner + lane % inner;
    for (std::int64_t i = 0; i < k; ++i) {
      data_of<float>(call.outputs[0])[begin + i * inner] = row[order[i]];
      data_of<std::int64_t>(call.outputs[1])[begin + i * inner] = order[i];
    }
  }
}

bool accepts(const NodeTypes& types) { return types.inputs[0].dtype == Dtype::f32; }

std::size_t scratch_bytes(const KernelCall& call) {
  return static_cast<std::size_t>(row_length(call)) * (sizeof(std::int64_t) + sizeof(float));
}

bool serial(const KernelCall& call) { return element_count(call.inputs[0]) <= 2048; }

}  // namespace

std::span<const Kernel> softmax_top_k_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.softmax_top_k",
                                     .op = "SoftmaxTopK",
                                     .arithmetic = "f32",
                                     .accepts = accepts,
                                     .run = run,
                                     .scratch_bytes = scratch_bytes,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
