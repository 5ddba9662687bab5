// Kernels written once over a vector of 16 float lanes: each ISA folder has the vector (vector.h) and
// instantiates them. What they compute stands in the portable file of the name. ISA files include these
// headers, so everything in them is plain functions of internal linkage, or a template over that ISA's own
// vector type, which is internal too: no object shares code with another (tests/architecture looks at them
// with nm). Here: sizes of arguments and a thread's share of the work.
#pragma once

#include <cstdint>

#include "backend/kernel_call.h"

namespace lathe::vector {

static constexpr std::int64_t kLanes = 16;
static constexpr std::int32_t kCacheF32 = 0;      // Dtype::f32
static constexpr std::int32_t kCacheBfloat = 2;   // Dtype::bf16
static constexpr std::int32_t kCacheCodes8 = 12;  // kCacheOfQ8 of tensor/cache_type.h
static constexpr std::int32_t kCacheCodes4 = 9;   // kCacheOfQ4; a cache of another type is f16

static constexpr std::int64_t element_count(const TensorArg& tensor) {
  std::int64_t count = 1;
  for (int i = 0; i < tensor.rank; ++i) count *= tensor.dims[i];
  return count;
}

static constexpr std::int64_t column_count(const TensorArg& tensor) {
  return tensor.rank == 0 ? 1 : tensor.dims[tensor.rank - 1];
}

/// Product of all dimensions but the last.
static constexpr std::int64_t row_count(const TensorArg& tensor) {
  std::int64_t count = 1;
  for (int i = 0; i + 1 < tensor.rank; ++i) count *= tensor.dims[i];
  return count;
}

struct Range {
  std::int64_t begin;
  std::int64_t end;
};

/// This thread's part of `count` equal items.
static constexpr Range share_of(const KernelCall& call, std::int64_t count) {
  return {count * call.thread / call.threads, count * (call.thread + 1) / call.threads};
}

}  // namespace lathe::vector
