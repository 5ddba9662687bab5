// Some rows of a matrix, to see what a type would do to it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quant/quantize_rows.h"
#include "tensor/tensor_view.h"

namespace lathe {

class RowSample {
 public:
  /// Rows from all over the tensor. `importance` [experts, columns], or empty.
  RowSample(const TensorView& tensor, std::span<const float> importance);

  /// Sum of squared errors, weighted by importance, of rounding with it (Effort::best) or at once without.
  double error(Dtype dtype, Effort effort) const;

  const std::vector<float>& values() const { return values_; }  // [rows, columns]

 private:
  std::int64_t columns_;
  std::int64_t rows_;
  std::vector<float> values_;             // [rows, columns]
  std::vector<const float*> importance_;  // of each row
};

}  // namespace lathe
