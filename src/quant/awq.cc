#include "quant/awq.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "quant/block_format.h"
#include "quant/quantize_rows.h"

namespace lathe {
namespace {

constexpr int kExponents = 16;
constexpr double kWidest = 256.0;  // no scale lies further from 1: a column that is hardly ever used

/// Columns without input keep a scale of 1, and do not count in the mean.
std::vector<float> scales_of(const float* importance, std::int64_t columns, double exponent) {
  double sum = 0.0;
  std::int64_t counted = 0;
  for (std::int64_t i = 0; i < columns; ++i) {
    if (!(importance[i] > 0.0f)) continue;
    sum += 0.5 * std::log(static_cast<double>(importance[i]));
    ++counted;
  }
  const double mean = counted > 0 ? sum / static_cast<double>(counted) : 0.0;
  std::vector<float> scales(static_cast<std::size_t>(columns), 1.0f);
  for (std::int64_t i = 0; i < columns; ++i) {
    if (!(importance[i] > 0.0f)) continue;
    const double power = exponent * (0.5 * std::log(static_cast<double>(importance[i])) - mean);
    scales[static_cast<std::size_t>(i)] =
        static_cast<float>(std::clamp(std::exp(power), 1.0 / kWidest, kWidest));
  }
  return scales;
}

double scaled_error(Dtype dtype, const float* weights, const float* importance, std::int64_t rows,
                    std::int64_t columns, const std::vector<float>& scales) {
  const auto width = static_cast<std::size_t>(columns);
  std::vector<float> scaled(width);
  std::vector<float> rounded(width);
  std::vector<float> scaled_importance(width);
  std::vector<std::byte> bytes(row_bytes(dtype, columns));
  for (std::size_t i = 0; i < width; ++i) scaled_importance[i] = importance[i] / (scales[i] * scales[i]);
  double error = 0.0;
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < width; ++i)
      scaled[i] = weights[row * columns + static_cast<std::int64_t>(i)] * scales[i];
    quantize_rows(dtype, scaled.data(), scaled_importance.data(), 1, columns, bytes.data());
    decode_rows(dtype, bytes.data(), rounded.data(), 1, columns);
    for (std::size_t i = 0; i < width; ++i) {
      const double off = static_cast<double>(scaled[i]) - static_cast<double>(rounded[i]);
      error += static_cast<double>(scaled_importance[i]) * off * off;
    }
  }
  return error;
}

}  // namespace

ColumnScales find_column_scales(Dtype dtype, const float* weights, const float* importance, std::int64_t rows,
                                std::int64_t columns) {
  ColumnScales best;
  for (int step = 0; step <= kExponents; ++step) {
    const double exponent = static_cast<double>(step) / kExponents;
    auto scales = scales_of(importance, columns, exponent);
    const double error = scaled_error(dtype, weights, importance, rows, columns, scales);
    if (step == 0) best.unscaled_error = error;
    if (step == 0 || error < best.error) {
      best.scales = std::move(scales);
      best.exponent = static_cast<float>(exponent);
      best.error = error;
    }
  }
  return best;
}

}  // namespace lathe
