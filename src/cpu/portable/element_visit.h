// Kernels for elements of any type: as bytes of one size where they only move, and as numbers where they are
// compared or added. The 16-bit floats are computed in f32.
#pragma once

#include <cstdint>
#include <cstring>

#include "cpu/portable/kernel_arguments.h"
#include "tensor/element_format.h"

namespace lathe::portable {

inline std::int64_t element_bytes(const TensorArg& tensor) {
  return info(static_cast<Dtype>(tensor.dtype)).block_bytes;
}

/// Calls body with an unsigned integer of the size of the tensor's elements.
template <class Body>
void visit_bytes(const TensorArg& tensor, Body body) {
  const auto bytes = element_bytes(tensor);
  if (bytes == 1) body(std::uint8_t{});
  if (bytes == 2) body(std::uint16_t{});
  if (bytes == 4) body(std::uint32_t{});
  if (bytes == 8) body(std::uint64_t{});
}

/// Calls body with the format of the tensor's elements.
template <class Body>
void visit_number(const TensorArg& tensor, Body body) {
  visit_format(static_cast<Dtype>(tensor.dtype), body);
}

/// Element `i` of a tensor of i32 or i64.
inline std::int64_t integer_at(const TensorArg& tensor, std::int64_t i) {
  if (static_cast<Dtype>(tensor.dtype) == Dtype::i64) return data_of<const std::int64_t>(tensor)[i];
  return data_of<const std::int32_t>(tensor)[i];
}

inline bool has_input(const KernelCall& call, int input) {
  return input < call.input_count && static_cast<Dtype>(call.inputs[input].dtype) != Dtype::none;
}

/// `index` counted from the back where negative; 0, and a fault, where it is none of `count`. `ok` says
/// which.
struct CheckedIndex {
  std::int64_t value;
  bool ok;
};

inline CheckedIndex checked_index(const KernelCall& call, std::int64_t index, std::int64_t count) {
  if (index < 0) index += count;
  if (index >= 0 && index < count) return {index, true};
  if (call.fault != nullptr) *call.fault = 1;
  return {0, false};
}

/// An axis attribute, which the shape rule has checked.
inline int axis_of(std::int64_t given, int rank) {
  return static_cast<int>(given < 0 ? given + rank : given);
}

/// Product of dims[first, last).
inline std::int64_t product(const TensorArg& tensor, int first, int last) {
  std::int64_t count = 1;
  for (int i = first; i < last; ++i) count *= tensor.dims[i];
  return count;
}

/// accepts() of kernels that move elements of input 0's type, whatever it is.
inline bool accepts_elements(const NodeTypes& types) {
  return is_element(types.inputs[0].dtype) && types.outputs[0].dtype == types.inputs[0].dtype;
}

/// accepts() of kernels that compute with input 0's elements.
inline bool accepts_numbers(const NodeTypes& types) { return has_format(types.inputs[0].dtype); }

/// serial() of kernels whose work is an element of the output each.
inline bool few_elements(const KernelCall& call) { return element_count(call.outputs[0]) <= 8192; }

}  // namespace lathe::portable
