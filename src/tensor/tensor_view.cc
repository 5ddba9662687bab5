#include "tensor/tensor_view.h"

#include <limits>

#include "base/checked.h"
#include "base/error.h"

namespace lathe {

std::int64_t element_count(const Shape& shape) {
  std::uint64_t count = 1;
  for (const auto dim : shape) {
    const auto product = dim < 0 ? std::nullopt : checked_multiply(count, static_cast<std::uint64_t>(dim));
    if (!product || *product > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      throw Error(ErrorCode::invalid_argument, "a shape has a negative dimension or too many elements");
    count = *product;
  }
  return static_cast<std::int64_t>(count);
}

std::uint64_t dense_bytes(Dtype dtype, const Shape& shape) {
  const std::int64_t columns = shape.empty() ? 1 : shape.back();
  const std::int64_t rows = shape.empty() ? 1 : element_count({shape.begin(), shape.end() - 1});
  const auto bytes = checked_multiply(static_cast<std::uint64_t>(rows), row_bytes(dtype, columns));
  if (!bytes) throw Error(ErrorCode::invalid_argument, "a tensor has more bytes than 64 bits can count");
  return *bytes;
}

std::int64_t TensorView::rows() const {
  return shape.empty() ? 1 : element_count({shape.begin(), shape.end() - 1});
}

}  // namespace lathe
