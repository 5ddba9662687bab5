// ArgMax, TopK, LogSumExp, SequenceMean.
#pragma once

#include "backend/cache_layout.h"
#include "cpu/top_k_heap.h"
#include "cpu/vector/call.h"

namespace lathe::vector {

/// The greatest value, -infinity if all are NaN.
template <class V>
float greatest_of(const float* x, std::int64_t count) {
  const V lowest = broadcast(V{}, -__builtin_inff());
  V best[4] = {lowest, lowest, lowest, lowest};
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes)
    for (int j = 0; j < 4; ++j) best[j] = greater(load(V{}, x + i + j * kLanes), best[j]);
  for (; i + kLanes <= count; i += kLanes) best[0] = greater(load(V{}, x + i), best[0]);
  best[0] = greater(load_first(lowest, x + i, count - i), best[0]);
  return greatest(greater(greater(best[0], best[1]), greater(best[2], best[3])));
}

/// In pieces that stay in the first-level cache: only the one that has the greatest value is looked through
/// for its place.
template <class V>
std::int32_t arg_max(const float* x, std::int64_t count) {
  constexpr std::int64_t kPiece = 4096;
  float best = -__builtin_inff();
  std::int64_t begin = 0;  // where to look: all, if no value is above minus infinity
  std::int64_t end = count;
  for (std::int64_t first = 0; first < count; first += kPiece) {
    const std::int64_t next = count - first < kPiece ? count : first + kPiece;
    const float greatest = greatest_of<V>(x + first, next - first);
    if (greatest > best) {
      best = greatest;
      begin = first;
      end = next;
    }
  }
  const V wanted = broadcast(V{}, best);
  std::int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes)
    if (const std::uint32_t found = lanes_equal(load(V{}, x + i), wanted); found != 0)
      return static_cast<std::int32_t>(i + __builtin_ctz(found));
  for (; i < end; ++i)
    if (x[i] == best) return static_cast<std::int32_t>(i);
  return 0;
}

template <class V>
void run_arg_max(const KernelCall& call) {
  const std::int64_t columns = column_count(call.inputs[0]);
  const Range share = share_of(call, row_count(call.inputs[0]));
  for (std::int64_t row = share.begin; row < share.end; ++row)
    static_cast<std::int32_t*>(call.outputs[0].data)[row] =
        arg_max<V>(static_cast<const float*>(call.inputs[0].data) + row * columns, columns);
}

template <class V>
void top_k(const float* x, std::int64_t count, TopKHeap& heap) {
  std::int64_t i = 0;
  for (; i < count && heap.size < heap.capacity; ++i) top_k_offer(heap, x[i], static_cast<std::int32_t>(i));
  for (; i + kLanes <= count && heap.capacity > 0; i += kLanes) {
    // The threshold rises while the lanes are looked at, which top_k_offer() sees to.
    std::uint32_t candidates = lanes_greater(load(V{}, x + i), broadcast(V{}, heap.values[0]));
    for (; candidates != 0; candidates &= candidates - 1) {
      const std::int64_t index = i + __builtin_ctz(candidates);
      top_k_offer(heap, x[index], static_cast<std::int32_t>(index));
    }
  }
  for (; i < count; ++i) top_k_offer(heap, x[i], static_cast<std::int32_t>(i));
  top_k_finish(heap);
}

template <class V>
void run_top_k(const KernelCall& call) {
  const std::int64_t columns = column_count(call.inputs[0]);
  const std::int64_t k = call.attributes[0].integer;
  const Range share = share_of(call, row_count(call.inputs[0]));
  for (std::int64_t row = share.begin; row < share.end; ++row) {
    TopKHeap heap{static_cast<float*>(call.outputs[0].data) + row * k,
                  static_cast<std::int32_t*>(call.outputs[1].data) + row * k, 0, k};
    top_k<V>(static_cast<const float*>(call.inputs[0].data) + row * columns, columns, heap);
  }
}

template <class V>
float log_sum_exp(const float* x, std::int64_t count) {
  const float best = greatest_of<V>(x, count);
  const float shift = best > -__builtin_inff() && best < __builtin_inff() ? best : 0.0f;
  const V shifts = broadcast(V{}, shift);
  auto sums = double_sum(V{});
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) sums.add(exp(load(V{}, x + i) - shifts));
  sums.add(exp(load_first(broadcast(V{}, -__builtin_inff()), x + i, count - i) - shifts));
  return static_cast<float>(static_cast<double>(shift) + __builtin_log(sums.sum()));
}

template <class V>
void run_log_sum_exp(const KernelCall& call) {
  const std::int64_t columns = column_count(call.inputs[0]);
  const Range share = share_of(call, row_count(call.inputs[0]));
  for (std::int64_t row = share.begin; row < share.end; ++row)
    static_cast<float*>(call.outputs[0].data)[row] =
        log_sum_exp<V>(static_cast<const float*>(call.inputs[0].data) + row * columns, columns);
}

/// The mean of `rows` rows of `columns` columns.
template <class V>
void mean_of_rows(const float* x, std::int64_t rows, std::int64_t columns, float* mean) {
  const V count = broadcast(V{}, static_cast<float>(rows));
  for (std::int64_t column = 0; column < columns; column += kLanes) {
    const std::int64_t lanes = columns - column < kLanes ? columns - column : kLanes;
    V sum{};
    for (std::int64_t row = 0; row < rows; ++row)
      sum = sum + load_first(V{}, x + row * columns + column, lanes);
    store_first(mean + column, sum / count, lanes);
  }
}

template <class V>
void run_sequence_mean(const KernelCall& call) {
  const std::int64_t columns = column_count(call.inputs[0]);
  const auto* sequences = static_cast<const SequenceEntry*>(call.inputs[1].data);
  const Range share = share_of(call, call.inputs[1].dims[0]);
  for (std::int64_t i = share.begin; i < share.end; ++i)
    mean_of_rows<V>(static_cast<const float*>(call.inputs[0].data) + sequences[i].first_token * columns,
                    sequences[i].tokens, columns, static_cast<float*>(call.outputs[0].data) + i * columns);
}

}  // namespace lathe::vector
