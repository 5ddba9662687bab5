// A pointer with type and shape; owns nothing. Row-major: the last dimension is contiguous and holds whole
// blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tensor/dtype.h"

namespace lathe {

using Shape = std::vector<std::int64_t>;  // outermost first

/// Product of the dimensions; 1 for a scalar. Throws Error(invalid_argument) for negative dimensions or
/// overflow.
std::int64_t element_count(const Shape& shape);

/// Bytes of a dense tensor. Throws as element_count and row_bytes do.
std::uint64_t dense_bytes(Dtype dtype, const Shape& shape);

struct TensorView {
  const std::byte* data = nullptr;
  Dtype dtype = Dtype::f32;
  Shape shape;

  std::int64_t columns() const { return shape.empty() ? 1 : shape.back(); }
  std::int64_t rows() const;  // all dimensions but the last
  std::uint64_t bytes() const { return dense_bytes(dtype, shape); }
};

}  // namespace lathe
