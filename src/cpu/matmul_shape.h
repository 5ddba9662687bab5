// Sizes of a matmul call and its split over threads. Plain data and functions of internal linkage, so that
// ISA files may include it.
#pragma once

#include <cstddef>
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

/// Tokens that a matmul takes at once unless it is told otherwise: their sums of two groups fit in the
/// first-level cache, and weights that are unpacked once serve them all.
inline constexpr std::int64_t kChunkTokens = 256;
inline constexpr std::int64_t kMaxChunkTokens = 256;

/// A way of cutting a matmul: tokens at once, and what threads share.
struct MatmulSplit {
  std::int64_t chunk_tokens;
  bool by_tokens;  // each thread has tokens of its own, and reads all weights; else groups
};

enum class SplitBy { groups, tokens, fit };

struct MatmulVariant {
  std::int64_t chunk_tokens;
  SplitBy split;
};

/// By KernelCall::variant; their names are in portable/matmul_variants.h.
static constexpr MatmulVariant kMatmulVariantSplits[] = {
    {kChunkTokens, SplitBy::fit},    {64, SplitBy::groups}, {128, SplitBy::groups},
    {kChunkTokens, SplitBy::tokens}, {64, SplitBy::tokens}, {128, SplitBy::tokens},
    {kChunkTokens, SplitBy::groups}};

/// What fits: with tokens for most of a chunk each, threads have their own, which stay in their caches from
/// one step to the next; with fewer, weights would be unpacked for too few tokens at once.
static constexpr MatmulSplit matmul_split(const KernelCall& call) {
  const MatmulVariant variant = kMatmulVariantSplits[call.variant];
  const bool fit = call.inputs[0].dims[0] * 4 >= call.threads * variant.chunk_tokens * 3;
  return {variant.chunk_tokens, variant.split == SplitBy::tokens || (variant.split == SplitBy::fit && fit)};
}

/// Multiplies groups of a matrix (inputs[1]) with rows (inputs[0]) into outputs[0]. Of the call's other
/// members it reads scratch alone: what was prepared of the tokens, or null.
using MultiplyChunk = void (*)(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                               const Share& tokens);

/// What an ISA makes of a chunk's tokens, for all groups of all weights that are multiplied with them.
struct ChunkPreparation {
  std::int64_t (*bytes)(std::int64_t tokens, std::int64_t columns);  // of scratch, for a chunk
  /// Into call.scratch.
  void (*prepare)(const KernelCall& call, const MatmulShape& shape, const Share& tokens);
};

/// How weights of one layout are multiplied.
struct LayoutMultiply {
  MultiplyChunk multiply;
  PackedLayoutInfo layout;
  const ChunkPreparation* preparation = nullptr;  // that it reads, the same for all layouts that have one
};

static constexpr MatmulShape matmul_shape(const KernelCall& call) {
  const TensorArg& input = call.inputs[0];   // [tokens, columns]
  const TensorArg& weight = call.inputs[1];  // [rows, columns]
  return {input.dims[0], input.dims[1], weight.dims[0], (weight.dims[0] + kPackedRows - 1) / kPackedRows};
}

static constexpr Share thread_share(std::int64_t count, std::int64_t thread, std::int64_t threads) {
  return {count * thread / threads, count * (thread + 1) / threads};
}

/// The units of a thread that belong to one chunk, of units numbered unit by unit and in each chunk by chunk,
/// which are dealt in contiguous runs: with one chunk each thread streams its own weights, with many the
/// threads are loaded evenly even where the groups are few.
static constexpr Share units_of_chunk(const Share& numbers, std::int64_t chunk, std::int64_t chunks) {
  return {(numbers.begin - chunk + chunks - 1) / chunks, (numbers.end - chunk + chunks - 1) / chunks};
}

static constexpr std::int64_t chunk_count(std::int64_t tokens, std::int64_t chunk_tokens) {
  return (tokens + chunk_tokens - 1) / chunk_tokens;
}

/// Scratch of multiply_in_chunks.
static inline std::size_t chunk_scratch_bytes(const KernelCall& call, const ChunkPreparation& preparation) {
  const std::int64_t most = matmul_split(call).chunk_tokens;
  const std::int64_t tokens = call.inputs[0].dims[0];
  return static_cast<std::size_t>(preparation.bytes(tokens < most ? tokens : most, call.inputs[0].dims[1]));
}

/// One matrix product, as the call's variant cuts it.
static inline void multiply_in_chunks(const KernelCall& call, MultiplyChunk multiply,
                                      const ChunkPreparation* preparation = nullptr) {
  const MatmulShape shape = matmul_shape(call);
  const MatmulSplit split = matmul_split(call);
  const Share all{0, shape.tokens};
  const Share tokens = split.by_tokens ? thread_share(shape.tokens, call.thread, call.threads) : all;
  const std::int64_t chunks = chunk_count(tokens.end - tokens.begin, split.chunk_tokens);
  const Share numbers = thread_share(shape.groups * chunks, call.thread, call.threads);
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    const Share groups = split.by_tokens ? Share{0, shape.groups} : units_of_chunk(numbers, chunk, chunks);
    if (groups.begin == groups.end) continue;
    const std::int64_t begin = tokens.begin + chunk * split.chunk_tokens;
    const std::int64_t end = begin + split.chunk_tokens;
    const Share some{begin, end < tokens.end ? end : tokens.end};
    if (preparation != nullptr) preparation->prepare(call, shape, some);
    multiply(call, shape, groups, some);
  }
}

/// Bytes of one row of 8-bit activations (activation.h).
static constexpr std::int64_t activation_row_bytes(std::int64_t columns) {
  return columns + columns / kActivationBlock * kActivationFactors * static_cast<std::int64_t>(sizeof(float));
}

}  // namespace lathe
