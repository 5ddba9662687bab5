// Sizes of a matmul call and its split over threads. Plain data and functions of internal linkage, so that
// ISA files may include it.
#pragma once

#include <cstdint>

#include "backend/kernel_call.h"
#include "quant/activation.h"
#include "quant/packed.h"

namespace lathe {

struct MatmulShape {
  std::int64_t tokens;   // rows of the activation
  std::int64_t columns;  // the inner dimension
  std::int64_t rows;     // of the weight: columns of the output
  std::int64_t groups;   // of 16 rows
};

/// The part [begin, end) of one thread.
struct Share {
  std::int64_t begin;
  std::int64_t end;
};

/// Tokens that a matmul takes at once: their sums of one group fit in the first-level cache, and weights that
/// are unpacked once serve them all.
inline constexpr std::int64_t kChunkTokens = 64;

static constexpr MatmulShape matmul_shape(const KernelCall& call) {
  const TensorArg& input = call.inputs[0];   // [tokens, columns]
  const TensorArg& weight = call.inputs[1];  // [rows, columns]
  return {input.dims[0], input.dims[1], weight.dims[0], (weight.dims[0] + kPackedRows - 1) / kPackedRows};
}

static constexpr Share thread_share(std::int64_t count, std::int64_t thread, std::int64_t threads) {
  return {count * thread / threads, count * (thread + 1) / threads};
}

static constexpr std::int64_t chunk_count(const MatmulShape& shape) {
  return (shape.tokens + kChunkTokens - 1) / kChunkTokens;
}

static constexpr Share chunk_tokens(const MatmulShape& shape, std::int64_t chunk) {
  const std::int64_t begin = chunk * kChunkTokens;
  return {begin, begin + kChunkTokens < shape.tokens ? begin + kChunkTokens : shape.tokens};
}

/// The groups that a thread computes for one chunk of tokens. Pairs of a group and a chunk are numbered group
/// by group and dealt in contiguous runs: with one chunk each thread streams its own weights, with many the
/// threads are loaded evenly even where the groups are few.
static constexpr Share chunk_groups(const MatmulShape& shape, std::int64_t chunk, std::int64_t thread,
                                    std::int64_t threads) {
  const std::int64_t chunks = chunk_count(shape);
  const Share pairs = thread_share(shape.groups * chunks, thread, threads);
  return {(pairs.begin - chunk + chunks - 1) / chunks, (pairs.end - chunk + chunks - 1) / chunks};
}

/// Bytes of one row of 8-bit activations (activation.h).
static constexpr std::int64_t activation_row_bytes(std::int64_t columns) {
  return columns + columns / kActivationBlock * 4 * static_cast<std::int64_t>(sizeof(float));
}

}  // namespace lathe
