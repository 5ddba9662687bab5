// What most portable kernels need: sizes of arguments, a thread's share of the work, and types in accepts().
#pragma once

#include <cstdint>

#include "backend/kernel.h"

namespace lathe::portable {

inline std::int64_t element_count(const TensorArg& tensor) {
  std::int64_t count = 1;
  for (int i = 0; i < tensor.rank; ++i) count *= tensor.dims[i];
  return count;
}

inline std::int64_t column_count(const TensorArg& tensor) {
  return tensor.rank == 0 ? 1 : tensor.dims[tensor.rank - 1];
}

/// Product of all dimensions but the last.
inline std::int64_t row_count(const TensorArg& tensor) {
  std::int64_t count = 1;
  for (int i = 0; i + 1 < tensor.rank; ++i) count *= tensor.dims[i];
  return count;
}

template <class T>
T* data_of(const TensorArg& tensor) {
  return static_cast<T*>(tensor.data);
}

/// For Kernel::serial: other threads wait for a serial step like for one that they share, so that what
/// decides is whether the work is more than it takes to fetch their part from another core's cache.
inline bool is_small(const TensorArg& tensor, std::int64_t elements) {
  return element_count(tensor) <= elements;
}

/// The same where threads share rows.
inline bool has_few_rows(const TensorArg& tensor, std::int64_t elements) {
  return row_count(tensor) == 1 || is_small(tensor, elements);
}

struct Share {
  std::int64_t begin;
  std::int64_t end;
};

/// This thread's part of `count` equal items.
inline Share share_of(const KernelCall& call, std::int64_t count) {
  return {count * call.thread / call.threads, count * (call.thread + 1) / call.threads};
}

inline bool all_f32(std::span<const ValueType> types) {
  for (const auto& type : types)
    if (type.dtype != Dtype::f32) return false;
  return true;
}

/// accepts() of kernels that take and give float32 alone.
inline bool accepts_f32(const NodeTypes& types) { return all_f32(types.inputs) && all_f32(types.outputs); }

}  // namespace lathe::portable
