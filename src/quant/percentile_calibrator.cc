// The end of the bin up to which a share of all values lies.
#include <numeric>

#include "quant/calibrator.h"

namespace lathe {

double percentile_threshold(const Histogram& histogram, const CalibratorOptions& options) {
  const auto counts = histogram.counts();
  const double wanted = std::accumulate(counts.begin(), counts.end(), 0.0) * options.percentile / 100;
  double counted = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    counted += counts[i];
    if (counted >= wanted) return histogram.edge(i + 1);
  }
  return histogram.edge(counts.size());
}

}  // namespace lathe
