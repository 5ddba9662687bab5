// The driver of the experts' matmuls. Slots (pairs of a row and one of its experts) are counted out by
// expert; each expert that has any is multiplied with its rows by the parts that Linear and QuantizedLinear
// are made of, so results are theirs bit for bit. Experts without slots are never read. Threads share the
// groups of all experts in contiguous runs of equal cost, and a panel of groups is read from memory once,
// whatever the number of its rows. Plain data and functions of internal linkage, so that ISA files may
// include it.
//
// Scratch of each thread, every part 64-byte aligned:
//   i32 ends[experts]             where an expert's slots end in order
//   i32 order[slots]              slots by ascending expert, then ascending
//   bytes rows[64][row bytes]     rows of x that a chunk of slots reads, side by side
//   f32 results[64][panel rows]   what a chunk gives for a panel
//   bytes prepared[]              what the ISA prepares of the rows
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/kernel_call.h"
#include "cpu/matmul_shape.h"

namespace lathe {

struct ExpertMultiply {
  PackedLayoutInfo layout;
  std::int64_t row_bytes;  // of a row of x
  MultiplyChunk multiply;
  const ChunkPreparation* preparation = nullptr;
};

inline constexpr std::int64_t kPanelGroups =
    16;  // with K = 4096 and 4 bits: 600 KB, in the second-level cache
inline constexpr std::int64_t kPanelRows = kPanelGroups * kPackedRows;

struct ExpertShape {
  std::int64_t slots;
  std::int64_t slots_per_row;  // of x: k, or 1 where x has a row for each slot
  std::int64_t experts;
  std::int64_t columns;
  std::int64_t rows;  // of one expert's matrix
  std::int64_t groups;
};

static constexpr ExpertShape expert_shape(const KernelCall& call) {
  const TensorArg& x = call.inputs[0];       // [tokens, columns] or [tokens, k, columns]
  const TensorArg& weight = call.inputs[1];  // [experts, rows, columns]
  const TensorArg& chosen = call.inputs[2];  // [tokens, k]
  return {chosen.dims[0] * chosen.dims[1],
          x.rank == 3 ? 1 : chosen.dims[1],
          weight.dims[0],
          weight.dims[2],
          weight.dims[1],
          (weight.dims[1] + kPackedRows - 1) / kPackedRows};
}

static constexpr std::int64_t scratch_line(std::int64_t bytes) { return (bytes + 63) / 64 * 64; }

struct ExpertScratch {
  std::int64_t order;  // offsets in bytes; ends lie at 0
  std::int64_t rows;
  std::int64_t results;
  std::int64_t bytes;  // without what is prepared, which lies there
};

static constexpr std::int64_t expert_chunk_slots(const ExpertShape& shape) {
  return shape.slots < kChunkTokens ? shape.slots : kChunkTokens;
}

static constexpr ExpertScratch expert_scratch(const ExpertShape& shape, std::int64_t row_bytes) {
  const std::int64_t chunk = expert_chunk_slots(shape);
  const std::int64_t order = scratch_line(shape.experts * 4);
  const std::int64_t rows = order + scratch_line(shape.slots * 4);
  const std::int64_t results = rows + scratch_line(chunk * row_bytes);
  return {order, rows, results, results + scratch_line(chunk * kPanelRows * 4)};
}

/// Fills ends and order.
static inline void sort_slots(const KernelCall& call, const ExpertShape& shape, std::int32_t* ends,
                              std::int32_t* order) {
  const auto* chosen = static_cast<const std::int32_t*>(call.inputs[2].data);
  for (std::int64_t e = 0; e < shape.experts; ++e) ends[e] = 0;
  for (std::int64_t slot = 0; slot < shape.slots; ++slot) ++ends[chosen[slot]];
  std::int32_t begin = 0;
  for (std::int64_t e = 0; e < shape.experts; ++e) {
    const std::int32_t count = ends[e];
    ends[e] = begin;
    begin += count;
  }
  for (std::int64_t slot = 0; slot < shape.slots; ++slot)
    order[ends[chosen[slot]]++] = static_cast<std::int32_t>(slot);
}

/// One panel of an expert's groups times up to kChunkTokens of its slots.
static inline void multiply_panel(const KernelCall& call, const ExpertShape& shape,
                                  const ExpertMultiply& with, const std::uint8_t* weights,
                                  const Share& groups, const std::int32_t* slots, std::int64_t count) {
  auto* scratch = static_cast<std::uint8_t*>(call.scratch);
  const ExpertScratch parts = expert_scratch(shape, with.row_bytes);
  auto* x = static_cast<std::uint8_t*>(call.inputs[0].data);
  const std::int64_t first_row = groups.begin * kPackedRows;
  const std::int64_t left = shape.rows - first_row;
  const std::int64_t panel_groups = groups.end - groups.begin;
  const std::int64_t panel_rows = left < panel_groups * kPackedRows ? left : panel_groups * kPackedRows;
  auto* output = static_cast<float*>(call.outputs[0].data) + first_row;

  TensorArg inputs[2] = {call.inputs[0], call.inputs[1]};
  TensorArg result = call.outputs[0];
  const std::int64_t group_bytes = packed_group_bytes(with.layout, shape.columns);
  inputs[1].data = const_cast<std::uint8_t*>(weights + groups.begin * group_bytes);
  const bool alone = count == 1;  // nothing to put side by side
  inputs[0].data = alone ? x + slots[0] / shape.slots_per_row * with.row_bytes : scratch + parts.rows;
  result.data = alone ? static_cast<void*>(output + slots[0] * shape.rows) : scratch + parts.results;
  for (std::int64_t i = 0; i < count && !alone; ++i)
    __builtin_memcpy(scratch + parts.rows + i * with.row_bytes,
                     x + slots[i] / shape.slots_per_row * with.row_bytes,
                     static_cast<std::size_t>(with.row_bytes));
  void* prepared = with.preparation != nullptr ? scratch + parts.bytes : nullptr;
  const KernelCall part{inputs, &result, nullptr, prepared, 2, 0, 1};
  const MatmulShape panel{count, shape.columns, panel_rows, panel_groups};
  if (with.preparation != nullptr) with.preparation->prepare(part, panel, {0, count});
  with.multiply(part, panel, {0, panel_groups}, {0, count});
  const auto* results = reinterpret_cast<const float*>(scratch + parts.results);
  for (std::int64_t i = 0; i < count && !alone; ++i)
    __builtin_memcpy(output + slots[i] * shape.rows, results + i * panel_rows,
                     static_cast<std::size_t>(panel_rows) * sizeof(float));
}

static inline void multiply_experts(const KernelCall& call, const ExpertMultiply& with) {
  const ExpertShape shape = expert_shape(call);
  auto* scratch = static_cast<std::uint8_t*>(call.scratch);
  auto* ends = reinterpret_cast<std::int32_t*>(scratch);
  auto* order = reinterpret_cast<std::int32_t*>(scratch + expert_scratch(shape, with.row_bytes).order);
  sort_slots(call, shape, ends, order);

  // A group costs its rows, and about four of them for being read from memory.
  constexpr std::int64_t kReadCost = 4;
  std::int64_t used = 0;
  for (std::int64_t e = 0; e < shape.experts; ++e)
    used += static_cast<std::int64_t>(ends[e] != (e == 0 ? 0 : ends[e - 1]));
  const Share share =
      thread_share(shape.groups * (shape.slots + kReadCost * used), call.thread, call.threads);

  const std::int64_t expert_bytes = shape.groups * packed_group_bytes(with.layout, shape.columns);
  const auto* weights = static_cast<const std::uint8_t*>(call.inputs[1].data);
  std::int64_t cost = 0;  // of the experts before
  for (std::int64_t e = 0, begin = 0; e < shape.experts; begin = ends[e++]) {
    const std::int64_t count = ends[e] - begin;
    if (count == 0) continue;
    const std::int64_t group_cost = count + kReadCost;
    const auto group_at = [&](std::int64_t point) {
      const std::int64_t group = (point - cost + group_cost - 1) / group_cost;
      return point <= cost ? 0 : group < shape.groups ? group : shape.groups;
    };
    const Share groups{group_at(share.begin), group_at(share.end)};
    cost += group_cost * shape.groups;
    for (std::int64_t first = groups.begin; first < groups.end; first += kPanelGroups) {
      const std::int64_t last = first + kPanelGroups < groups.end ? first + kPanelGroups : groups.end;
      for (std::int64_t done = 0; done < count; done += kChunkTokens)
        multiply_panel(call, shape, with, weights + e * expert_bytes, {first, last}, order + begin + done,
                       count - done < kChunkTokens ? count - done : kChunkTokens);
    }
  }
}

}  // namespace lathe
