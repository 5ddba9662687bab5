#include "quant/awq.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "quant/block_format.h"
#include "quant/quantize_rows.h"

namespace lathe {
namespace {

constexpr int kExponents = 16;
constexpr double kWidest = 256.0;  // no scale lies further from 1: a column that is hardly ever used

/// e to each of the logarithms less their mean. What is no number does not count, and becomes 1.
std::vector<float> balanced(const std::vector<double>& logarithms) {
  double sum = 0.0;
  std::int64_t counted = 0;
  for (const double value : logarithms) {
    if (std::isnan(value)) continue;
    sum += value;
    ++counted;
  }
  const double mean = counted > 0 ? sum / static_cast<double>(counted) : 0.0;
  std::vector<float> scales;
  for (const double value : logarithms)
    scales.push_back(std::isnan(value)
                         ? 1.0f
                         : static_cast<float>(std::clamp(std::exp(value - mean), 1.0 / kWidest, kWidest)));
  return scales;
}

/// Of the root of a mean square; NaN of 0.
double log_of_root(float mean_square) {
  return mean_square > 0.0f ? 0.5 * std::log(static_cast<double>(mean_square))
                            : std::numeric_limits<double>::quiet_NaN();
}

std::vector<float> scales_of(const float* importance, std::int64_t columns, double exponent) {
  std::vector<double> logarithms;
  for (std::int64_t i = 0; i < columns; ++i) logarithms.push_back(exponent * log_of_root(importance[i]));
  return balanced(logarithms);
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

std::vector<float> smoothing_scales(std::span<const float> importance, std::span<const float> largest,
                                    double alpha) {
  std::vector<double> logarithms;
  for (std::size_t i = 0; i < importance.size(); ++i)
    logarithms.push_back(alpha * log_of_root(importance[i]) -
                         (1.0 - alpha) * log_of_root(largest[i] * largest[i]));
  return balanced(logarithms);
}

}  // namespace lathe
