#include "quant/histogram.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace lathe {

bool Histogram::add(std::span<const float> values) {
  if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); })) return false;
  if (values.empty()) return true;
  const auto [least, greatest] = std::ranges::minmax(values);
  least_ = seen_ ? std::min(least_, least) : least;
  greatest_ = seen_ ? std::max(greatest_, greatest) : greatest;
  seen_ = true;
  const double magnitude = std::max(std::fabs(double{least}), std::fabs(double{greatest}));
  if (magnitude == 0 && counts_.empty()) {
    zeros_ += static_cast<double>(values.size());
    return true;
  }
  make_room(magnitude);
  const std::size_t last = counts_.size() - 1;
  for (const float value : values)
    ++counts_[std::min(static_cast<std::size_t>(std::fabs(double{value}) / width_), last)];
  return true;
}

/// Bins up to this magnitude.
void Histogram::make_room(double magnitude) {
  if (counts_.empty()) {
    counts_.assign(kFirstBins, 0.0);
    counts_[0] = zeros_;
    width_ = magnitude / static_cast<double>(kFirstBins);
    return;
  }
  while (magnitude > width_ * static_cast<double>(kMostBins)) {
    std::vector<double> joined(std::max(kFirstBins, (counts_.size() + 1) / 2), 0.0);
    for (std::size_t i = 0; i < counts_.size(); ++i) joined[i / 2] += counts_[i];
    counts_ = std::move(joined);
    width_ *= 2;
  }
  const auto needed = static_cast<std::size_t>(std::ceil(magnitude / width_));
  if (needed > counts_.size()) counts_.resize(needed, 0.0);
}

Histogram Histogram::of(std::vector<double> counts, double width) {
  CHECK(counts.size() >= kFirstBins && width > 0);
  Histogram histogram;
  histogram.counts_ = std::move(counts);
  histogram.width_ = width;
  histogram.greatest_ = static_cast<float>(histogram.edge(histogram.counts_.size()));
  histogram.seen_ = true;
  return histogram;
}

}  // namespace lathe
