// Groups of packed weights times 8-bit activations, as an ISA's own types and functions do it; the arithmetic
// is in portable/quantized_linear.cc. A chunk of tokens keeps its sums of one 16-row group in the first-level
// cache while the group's weights stream by: each block is unpacked in registers once and used for every
// token of the chunk.
#pragma once

#include <cstdint>

#include "cpu/matmul_shape.h"

namespace lathe::vector {

/// One block of 32 columns of a chunk's tokens: codes and factors of the first token, those of the others
/// follow `row_bytes` apart.
struct ActivationBlock {
  const std::uint8_t* codes;
  const std::uint8_t* factors;  // scale; zero, sums and fine codes follow `factor_bytes` apart
  std::int64_t row_bytes;
  std::int64_t factor_bytes;
  std::int64_t tokens;
};

[[gnu::always_inline]] static inline float load_float(const std::uint8_t* bytes) {
  float value;
  __builtin_memcpy(&value, bytes, sizeof value);
  return value;
}

/// Also four codes, to be broadcast.
[[gnu::always_inline]] static inline int load_integer(const std::uint8_t* bytes) {
  int value;
  __builtin_memcpy(&value, bytes, sizeof value);
  return value;
}

/// An entry of zeros, which has the places of fine columns.
[[gnu::always_inline]] static inline std::uint32_t load_entry(const std::uint8_t* bytes) {
  return static_cast<std::uint32_t>(load_integer(bytes));
}

[[gnu::always_inline]] static inline float load_zero(const std::uint8_t* bytes) {
  return static_cast<float>(static_cast<int>(load_entry(bytes) & kZeroMask));
}

template <class Layout>
inline constexpr std::int64_t kRecordBlocks = Layout::kInfo.columns_per_record / kActivationBlock;

/// Fetches the weights of the block that is read 8 KiB later: memory's latency at full speed.
template <class Layout>
[[gnu::always_inline]] inline void prefetch_weights(const std::uint8_t* record, std::int64_t block) {
  constexpr std::int64_t kBytes = Layout::kInfo.record_bytes / kRecordBlocks<Layout>;
  const std::uint8_t* ahead = record + block * kBytes + 8192;
  for (std::int64_t i = 0; i < kBytes; i += 64) __builtin_prefetch(ahead + i, 0, 2);
}

/// All of `groups` for at most kMaxChunkTokens tokens. Sums are the ISA's accumulators of one group:
/// clear(tokens), add<Layout>(record, block, activations), store(output of the first token, stride, tokens,
/// rows).
template <class Sums, class Layout>
void multiply_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                    const Share& tokens) {
  const std::int64_t records = shape.columns / Layout::kInfo.columns_per_record;
  const std::int64_t row_bytes = activation_row_bytes(shape.columns);
  const std::int64_t count = tokens.end - tokens.begin;
  const auto* inputs = static_cast<const std::uint8_t*>(call.inputs[0].data) + tokens.begin * row_bytes;
  const auto* record = static_cast<const std::uint8_t*>(call.inputs[1].data) +
                       groups.begin * records * Layout::kInfo.record_bytes;
  auto* output = static_cast<float*>(call.outputs[0].data) + tokens.begin * shape.rows;

  for (std::int64_t group = groups.begin; group < groups.end; ++group) {
    Sums sums;
    sums.clear(count);
    ActivationBlock block{inputs, inputs + shape.columns, row_bytes, shape.columns / kActivationBlock * 4,
                          count};
    for (std::int64_t r = 0; r < records; ++r, record += Layout::kInfo.record_bytes) {
      for (int b = 0; b < kRecordBlocks<Layout>; ++b) {
        prefetch_weights<Layout>(record, b);
        sums.template add<Layout>(record, b, block);
        block.codes += kActivationBlock;
        block.factors += 4;
      }
    }
    const std::int64_t first_row = group * kPackedRows;
    sums.store(output + first_row, shape.rows, count, shape.rows - first_row);
  }
}

}  // namespace lathe::vector
