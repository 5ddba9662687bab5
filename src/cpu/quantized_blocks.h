// Products with weights as the file has them: groups of 16 rows are packed into scratch one by one and
// multiplied from there, by the parts that QuantizedLinear is made of, so results are the same bit for bit.
// Nothing is copied ahead; every call packs anew. Plain data and functions of internal linkage, so that ISA
// files may include it.
//
// Scratch of each thread, both parts 64-byte aligned:
//   bytes group[columns * 18]            16 rows in their packed layout, at most packed8's 17 bytes a column
//   f32 results[kMaxChunkTokens][16]     what a chunk of tokens gives for the group
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/kernel_call.h"
#include "cpu/matmul_shape.h"

namespace lathe {

namespace portable {
// In portable/quantized_blocks.cc.

/// Packs group `group` of a matrix of blocks, with its last rows missing, into `destination`. Returns the
/// packed type's place behind packed4, and in `packed_dtype` the type itself.
std::int32_t pack_block_group(const TensorArg& weight, std::int64_t group, void* destination,
                              std::int32_t& packed_dtype);
void multiply_blocks_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                           const Share& tokens);
/// 16 rows of blocks as if they were records: bytes of a group follow from it as from a packed layout.
PackedLayoutInfo blocks_layout(std::int32_t dtype);
}  // namespace portable

static constexpr std::int64_t blocks_group_bytes(std::int64_t columns) {
  return (columns * 18 + 63) / 64 * 64;
}

static constexpr std::size_t blocks_scratch_bytes(std::int64_t columns) {
  return static_cast<std::size_t>(blocks_group_bytes(columns)) +
         kMaxChunkTokens * kPackedRows * sizeof(float);
}

/// A MultiplyChunk that has scratch; inputs[1].dims[0] are the rows from its data on. `layouts` has one
/// row for each packed type from packed4 on.
static inline void multiply_blocks(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                                   const Share& tokens, const LayoutMultiply* layouts) {
  auto* scratch = static_cast<std::uint8_t*>(call.scratch);
  auto* results = reinterpret_cast<float*>(scratch + blocks_group_bytes(shape.columns));
  const std::int64_t count = tokens.end - tokens.begin;
  TensorArg inputs[2] = {call.inputs[0], call.inputs[1]};
  TensorArg output = call.outputs[0];
  inputs[0].data =
      static_cast<std::uint8_t*>(inputs[0].data) + tokens.begin * activation_row_bytes(shape.columns);
  inputs[1].data = scratch;
  output.data = results;
  const KernelCall part{inputs, &output, nullptr, nullptr, 2, 0, 1, 0};
  for (std::int64_t group = groups.begin; group < groups.end; ++group) {
    const std::int32_t layout = portable::pack_block_group(call.inputs[1], group, scratch, inputs[1].dtype);
    const std::int64_t first_row = group * kPackedRows;
    const std::int64_t left = call.inputs[1].dims[0] - first_row;
    const std::int64_t rows = left < kPackedRows ? left : kPackedRows;
    layouts[layout].multiply(part, {count, shape.columns, rows, 1}, {0, 1}, {0, count});
    float* to = static_cast<float*>(call.outputs[0].data) + tokens.begin * shape.rows + first_row;
    for (std::int64_t t = 0; t < count; ++t)
      __builtin_memcpy(to + t * shape.rows, results + t * rows,
                       static_cast<std::size_t>(rows) * sizeof(float));
  }
}

}  // namespace lathe
