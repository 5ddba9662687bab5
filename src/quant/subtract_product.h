// c -= a * b of float matrices in rows, for the algebra of error feedback.
#pragma once

#include <cstdint>

namespace lathe {

/// Where a matrix starts, and how far apart its rows are.
struct MatrixRows {
  float* values;
  std::int64_t stride;

  float* row(std::int64_t index) const { return values + index * stride; }
};

/// c [rows, columns] -= a [rows, inner] * b [inner, columns]. The sum over `inner` is in ascending order.
void subtract_product(MatrixRows c, MatrixRows a, MatrixRows b, std::int64_t rows, std::int64_t columns,
                      std::int64_t inner);

}  // namespace lathe
