#include "api/row_sample.h"

#include <algorithm>

#include "quant/block_format.h"

namespace lathe {
namespace {

constexpr std::int64_t kSampleRows = 96;

}  // namespace

RowSample::RowSample(const TensorView& tensor, std::span<const float> importance)
    : columns_(tensor.columns()), rows_(std::min(kSampleRows, tensor.rows())) {
  const std::uint64_t stride = row_bytes(tensor.dtype, columns_);
  const std::int64_t of_expert =
      tensor.shape.size() > 2 ? tensor.shape[tensor.shape.size() - 2] : tensor.rows();
  values_.resize(static_cast<std::size_t>(rows_ * columns_));
  for (std::int64_t i = 0; i < rows_; ++i) {
    const std::int64_t row = i * tensor.rows() / rows_;
    decode_rows(tensor.dtype, tensor.data + static_cast<std::uint64_t>(row) * stride,
                values_.data() + i * columns_, 1, columns_);
    importance_.push_back(importance.empty() ? nullptr : importance.data() + row / of_expert * columns_);
  }
}

double RowSample::error(Dtype dtype, Effort effort) const {
  const auto columns = static_cast<std::size_t>(columns_);
  std::vector<std::byte> bytes(row_bytes(dtype, columns_));
  std::vector<float> rounded(columns);
  double sum = 0;
  for (std::int64_t i = 0; i < rows_; ++i) {
    const float* row = values_.data() + i * columns_;
    const float* importance = importance_[static_cast<std::size_t>(i)];
    quantize_rows(dtype, row, effort == Effort::fast ? nullptr : importance, 1, columns_, bytes.data(),
                  effort);
    decode_rows(dtype, bytes.data(), rounded.data(), 1, columns_);
    for (std::size_t j = 0; j < columns; ++j) {
      const double error = static_cast<double>(row[j]) - static_cast<double>(rounded[j]);
      sum += error * error * (importance == nullptr ? 1.0 : static_cast<double>(importance[j]));
    }
  }
  return sum;
}

}  // namespace lathe
