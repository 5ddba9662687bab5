// The end of SelectExperts: the chosen probabilities become weights. Plain data and functions of internal
// linkage, so that ISA files may include it.
#pragma once

#include <cstdint>

#include "cpu/top_k_heap.h"

namespace lathe {

/// `heap` is finished. One that found fewer than its capacity met a softmax of NaN.
static constexpr void weigh_chosen_experts(TopKHeap& heap, bool normalize) {
  if (heap.size < heap.capacity) {
    for (std::int64_t i = 0; i < heap.capacity; ++i) {
      heap.values[i] = __builtin_nanf("");
      heap.indices[i] = static_cast<std::int32_t>(i);
    }
    return;
  }
  if (!normalize) return;
  float sum = 0.0f;
  for (std::int64_t i = 0; i < heap.capacity; ++i) sum += heap.values[i];
  for (std::int64_t i = 0; i < heap.capacity; ++i) heap.values[i] /= sum;
}

}  // namespace lathe
