// Elements of tensors as numbers that can be compared.
#pragma once

#include <cstddef>
#include <string_view>

#include "lathe/execute.h"
#include "tensor/tensor_view.h"

namespace lathe {

/// Holds every i64, u64 and f64.
using WideNumber = long double;

/// How the elements of one type are read.
struct ElementReader {
  std::string_view dtype;
  std::size_t bytes;
  WideNumber (*read)(const std::byte* at);
};

/// Null for types that are no elements.
const ElementReader* find_element_reader(std::string_view dtype);

/// Activation codes and blocks decoded to f32; all others as they lie.
Tensor plain_tensor(const TensorView& view);

}  // namespace lathe
