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

/// What one thread computes: all of its groups for all of its tokens.
struct MatmulShare {
  Share groups;
  Share tokens;
};

static constexpr MatmulShape matmul_shape(const KernelCall& call) {
  const TensorArg& input = call.inputs[0];   // [tokens, columns]
  const TensorArg& weight = call.inputs[1];  // [rows, columns]
  return {input.dims[0], input.dims[1], weight.dims[0], (weight.dims[0] + kPackedRows - 1) / kPackedRows};
}

static constexpr Share thread_share(std::int64_t count, std::int64_t thread, std::int64_t threads) {
  return {count * thread / threads, count * (thread + 1) / threads};
}

/// Contiguous groups per thread, so that each streams its own weights; tokens are split where the groups are
/// too few.
static constexpr MatmulShare matmul_share(const MatmulShape& shape, std::int64_t thread,
                                          std::int64_t threads) {
  if (shape.groups >= threads || shape.tokens < threads)
    return {thread_share(shape.groups, thread, threads), {0, shape.tokens}};
  return {{0, shape.groups}, thread_share(shape.tokens, thread, threads)};
}

/// Bytes of one row of 8-bit activations (activation.h).
static constexpr std::int64_t activation_row_bytes(std::int64_t columns) {
  return columns + columns / kActivationBlock * 3 * static_cast<std::int64_t>(sizeof(float));
}

}  // namespace lathe
