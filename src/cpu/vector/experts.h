// SelectExperts, ExpertSum.
#pragma once

#include "cpu/chosen_experts.h"
#include "cpu/vector/call.h"
#include "cpu/vector/reduction.h"

namespace lathe::vector {

template <class V>
void softmax(const float* x, std::int64_t columns, float* p) {
  const std::int64_t whole = columns / kLanes * kLanes;
  const V greatest = broadcast(V{}, greatest_of<V>(x, columns));
  V sums{};
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    const V power = exp(load(V{}, x + i) - greatest);
    store(p + i, power);
    sums = sums + power;
  }
  const V lowest = broadcast(V{}, -__builtin_inff());
  const V tail = exp(load_first(lowest, x + whole, columns - whole) - greatest);
  sums = sums + tail;
  const V sum = broadcast(V{}, tree_sum(sums));
  for (std::int64_t i = 0; i < whole; i += kLanes) store(p + i, load(V{}, p + i) / sum);
  store_first(p + whole, tail / sum, columns - whole);
}

template <class V>
void run_select_experts(const KernelCall& call) {
  const std::int64_t columns = column_count(call.inputs[0]);
  const std::int64_t k = call.attributes[0].integer;
  const bool normalize = call.attributes[1].integer != 0;
  auto* p = static_cast<float*>(call.scratch);
  const Range share = share_of(call, row_count(call.inputs[0]));
  for (std::int64_t row = share.begin; row < share.end; ++row) {
    softmax<V>(static_cast<const float*>(call.inputs[0].data) + row * columns, columns, p);
    TopKHeap heap{static_cast<float*>(call.outputs[0].data) + row * k,
                  static_cast<std::int32_t*>(call.outputs[1].data) + row * k, 0, k};
    top_k<V>(p, columns, heap);
    weigh_chosen_experts(heap, normalize);
  }
}

/// Columns [begin, end) of one row; `x` is the row's first slot.
template <class V>
void sum_slots(const float* x, const float* weights, std::int64_t slots, std::int64_t columns, float* y,
               std::int64_t begin, std::int64_t end) {
  std::int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) {
    V acc{};
    for (std::int64_t j = 0; j < slots; ++j)
      acc = fma(broadcast(V{}, weights[j]), load(V{}, x + j * columns + i), acc);
    store(y + i, acc);
  }
  if (i == end) return;
  V acc{};
  for (std::int64_t j = 0; j < slots; ++j)
    acc = fma(broadcast(V{}, weights[j]), load_first(V{}, x + j * columns + i, end - i), acc);
  store_first(y + i, acc, end - i);
}

template <class V>
void run_expert_sum(const KernelCall& call) {
  const std::int64_t slots = call.inputs[0].dims[1];
  const std::int64_t columns = call.inputs[0].dims[2];
  const Range share = share_of(call, element_count(call.outputs[0]));
  for (std::int64_t i = share.begin; i < share.end;) {
    const std::int64_t row = i / columns;
    const std::int64_t begin = i - row * columns;
    const std::int64_t end = columns - begin < share.end - i ? columns : begin + share.end - i;
    sum_slots<V>(static_cast<const float*>(call.inputs[0].data) + row * slots * columns,
                 static_cast<const float*>(call.inputs[1].data) + row * slots, slots, columns,
                 static_cast<float*>(call.outputs[0].data) + row * columns, begin, end);
    i += end - begin;
  }
}

}  // namespace lathe::vector
