// The bin's middle that, as threshold of 127 steps, gives the least sum of count * (code's value - value)^2,
// values taken as the middles of their bins; from 128 on, as with the entropies.
#include <algorithm>
#include <cmath>
#include <limits>

#include "quant/calibrator.h"
#include "quant/divergences.h"

namespace lathe {
namespace {

constexpr double kSteps = kCodeLevels - 1;

/// In squares of a bin's width.
double squared_error(std::span<const double> counts, double threshold) {
  const double step = threshold / kSteps;
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double value = static_cast<double>(i) + 0.5;
    const double error = value - std::min(std::nearbyint(value / step), kSteps) * step;
    sum += counts[i] * error * error;
  }
  return sum;
}

}  // namespace

double mse_threshold(const Histogram& histogram, const CalibratorOptions&) {
  const auto counts = histogram.counts();
  double least = std::numeric_limits<double>::infinity();
  double best = static_cast<double>(counts.size());
  for (std::size_t i = kCodeLevels; i < counts.size(); ++i) {
    const double threshold = static_cast<double>(i) + 0.5;
    const double error = squared_error(counts, threshold);
    if (error >= least) continue;
    least = error;
    best = threshold;
  }
  return best * histogram.edge(1);
}

}  // namespace lathe
