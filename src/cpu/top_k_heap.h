// The k greatest of a row as a heap with the worst on top, in the output arrays themselves. Equal values rank
// by lower index. Plain data and functions of internal linkage, so that ISA files may include it.
#pragma once

#include <cstdint>

namespace lathe {

struct TopKHeap {
  float* values;
  std::int32_t* indices;
  std::int64_t size;
  std::int64_t capacity;
};

static constexpr bool top_k_worse(const TopKHeap& heap, std::int64_t a, std::int64_t b) {
  return heap.values[a] != heap.values[b] ? heap.values[a] < heap.values[b]
                                          : heap.indices[a] > heap.indices[b];
}

static constexpr void top_k_exchange(TopKHeap& heap, std::int64_t a, std::int64_t b) {
  const float value = heap.values[a];
  const std::int32_t index = heap.indices[a];
  heap.values[a] = heap.values[b];
  heap.indices[a] = heap.indices[b];
  heap.values[b] = value;
  heap.indices[b] = index;
}

static constexpr void top_k_sift_down(TopKHeap& heap, std::int64_t node, std::int64_t end) {
  for (std::int64_t child = 2 * node + 1; child < end; child = 2 * node + 1) {
    if (child + 1 < end && top_k_worse(heap, child + 1, child)) ++child;
    if (!top_k_worse(heap, child, node)) return;
    top_k_exchange(heap, node, child);
    node = child;
  }
}

/// Takes the value if it is among the greatest so far; NaN never is. Indices must come in ascending order.
static constexpr void top_k_offer(TopKHeap& heap, float value, std::int32_t index) {
  if (value != value || heap.capacity == 0) return;
  if (heap.size == heap.capacity) {
    if (!(value > heap.values[0])) return;
    heap.values[0] = value;
    heap.indices[0] = index;
    top_k_sift_down(heap, 0, heap.size);
    return;
  }
  std::int64_t node = heap.size++;
  heap.values[node] = value;
  heap.indices[node] = index;
  for (; node > 0 && top_k_worse(heap, node, (node - 1) / 2); node = (node - 1) / 2)
    top_k_exchange(heap, node, (node - 1) / 2);
}

/// Sorts, greatest first, and fills what is left with -infinity and index -1.
static constexpr void top_k_finish(TopKHeap& heap) {
  for (std::int64_t end = heap.size - 1; end > 0; --end) {
    top_k_exchange(heap, 0, end);
    top_k_sift_down(heap, 0, end);
  }
  for (std::int64_t i = heap.size; i < heap.capacity; ++i) {
    heap.values[i] = -__builtin_inff();
    heap.indices[i] = -1;
  }
}

}  // namespace lathe
