#include "quant/error_measures.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace lathe {

ValueErrors value_errors(std::span<const float> reference, std::span<const float> values) {
  CHECK(!reference.empty() && reference.size() == values.size());
  double signal = 0, noise = 0, norm = 0, product = 0, largest = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double r = reference[i];
    const double v = values[i];
    const double error = std::abs(r - v);
    signal += r * r;
    norm += v * v;
    product += r * v;
    noise += error * error;
    if (std::isnan(error) || error > largest) largest = error;
  }
  const double norms = std::sqrt(signal) * std::sqrt(norm);
  return {.mean_squared = noise / static_cast<double>(reference.size()),
          .sqnr = 10.0 * std::log10(signal / noise),
          .cosine = norms == 0 ? (noise == 0 ? 1.0 : 0.0) : product / norms,
          .largest = largest};
}

DistributionDifference distribution_difference(std::span<const float> reference_logits,
                                               std::span<const float> logits) {
  CHECK(!reference_logits.empty() && reference_logits.size() == logits.size());
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  const auto top_a = std::max_element(reference_logits.begin(), reference_logits.end());
  const auto top_b = std::max_element(logits.begin(), logits.end());
  double sum_a = 0, sum_b = 0, weighted = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double b = double{logits[i]} - *top_b;
    sum_b += std::exp(b);
    if (reference_logits[i] == kNever) continue;
    const double a = double{reference_logits[i]} - *top_a;
    const double share = std::exp(a);
    sum_a += share;
    weighted += share * (a - b);
  }
  // sum p (log p - log q) with log p = a - log sum_a
  const double divergence = weighted / sum_a - std::log(sum_a) + std::log(sum_b);
  return {.divergence = divergence < 0 ? 0 : divergence,  // rounding; NaN stays
          .reference_log_sum = *top_a + std::log(sum_a),
          .log_sum = *top_b + std::log(sum_b),
          .reference_top = static_cast<std::int32_t>(top_a - reference_logits.begin()),
          .top = static_cast<std::int32_t>(top_b - logits.begin())};
}

double kl_divergence(std::span<const float> reference_logits, std::span<const float> logits) {
  return distribution_difference(reference_logits, logits).divergence;
}

Moments moments(std::span<const double> values) {
  if (values.empty()) return {0, 0, 0};
  const double count = static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) sum += value;
  const double mean = sum / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double deviation = values.size() < 2 ? 0 : std::sqrt(squares / (count - 1));
  return {mean, deviation, deviation / std::sqrt(count)};
}

double quantile(std::span<const double> sorted, double q) {
  CHECK(!sorted.empty());
  const double rank = std::clamp(q, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  const double low = sorted[below];
  const double high = sorted[std::min(below + 1, sorted.size() - 1)];
  const double part = rank - static_cast<double>(below);
  return part == 0 || low == high ? low : low + part * (high - low);  // not through infinity - infinity
}

double error_of_quantile(std::span<const double> sorted, double q) {
  CHECK(!sorted.empty());
  const double count = static_cast<double>(sorted.size());
  const double spread = std::sqrt(std::clamp(q * (1 - q), 0.0, 0.25) / count);
  if (spread == 0) return 0;
  return (quantile(sorted, q + spread) - quantile(sorted, q - spread)) / 2;
}

}  // namespace lathe
