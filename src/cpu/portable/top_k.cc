// TopK: x [S, V] -> values f32[S, k], indices i32[S, k]; attribute k. Greatest first, equals by lower index;
// NaN is left out; where fewer than k remain, -infinity with index -1 follows.
//
// The output arrays are a heap of the k best so far with the worst on top; most values fail the one
// comparison with it.
#include <limits>

#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

struct Heap {
  float* values;
  std::int32_t* indices;
  std::int64_t size;

  bool worse(std::int64_t a, std::int64_t b) const {
    return values[a] != values[b] ? values[a] < values[b] : indices[a] > indices[b];
  }

  void exchange(std::int64_t a, std::int64_t b) {
    const float value = values[a];
    const std::int32_t index = indices[a];
    values[a] = values[b];
    indices[a] = indices[b];
    values[b] = value;
    indices[b] = index;
  }

  void sift_up(std::int64_t node) {
    while (node > 0 && worse(node, (node - 1) / 2)) {
      exchange(node, (node - 1) / 2);
      node = (node - 1) / 2;
    }
  }

  void sift_down(std::int64_t node, std::int64_t end) {
    for (;;) {
      std::int64_t child = 2 * node + 1;
      if (child >= end) return;
      if (child + 1 < end && worse(child + 1, child)) ++child;
      if (!worse(child, node)) return;
      exchange(node, child);
      node = child;
    }
  }

  void sort() {
    for (std::int64_t end = size - 1; end > 0; --end) {
      exchange(0, end);
      sift_down(0, end);
    }
  }
};

void top_k(const float* x, std::int64_t columns, std::int64_t k, float* values, std::int32_t* indices) {
  Heap heap{values, indices, 0};
  std::int64_t i = 0;
  for (; i < columns && heap.size < k; ++i) {
    if (x[i] != x[i]) continue;
    values[heap.size] = x[i];
    indices[heap.size] = static_cast<std::int32_t>(i);
    heap.sift_up(heap.size++);
  }
  for (; i < columns && k > 0; ++i) {
    if (!(x[i] > values[0])) continue;
    values[0] = x[i];
    indices[0] = static_cast<std::int32_t>(i);
    heap.sift_down(0, k);
  }
  heap.sort();
  for (std::int64_t j = heap.size; j < k; ++j) {
    values[j] = -std::numeric_limits<float>::infinity();
    indices[j] = -1;
  }
}

void run(const KernelCall& call) {
  const std::int64_t columns = column_count(call.inputs[0]);
  const std::int64_t k = call.attributes[0].integer;
  const Share share = share_of(call, row_count(call.inputs[0]));
  for (std::int64_t row = share.begin; row < share.end; ++row)
    top_k(data_of<const float>(call.inputs[0]) + row * columns, columns, k,
          data_of<float>(call.outputs[0]) + row * k, data_of<std::int32_t>(call.outputs[1]) + row * k);
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
