// The legacy entropy calibrator: the first of the thresholds with the least divergence. TensorRT's
// IInt8EntropyCalibrator also differs in when it runs, behind fusion, so that its cache fits one device; ours
// all run before fusion, and their caches fit every machine.
#include <algorithm>

#include "quant/calibrator.h"
#include "quant/divergences.h"

namespace lathe {

double entropy_threshold(const Histogram& histogram, const CalibratorOptions&) {
  const auto divergences = code_divergences(histogram.counts());
  const auto first = std::ranges::min_element(divergences);
  return histogram.edge(kCodeLevels + static_cast<std::size_t>(first - divergences.begin()));
}

}  // namespace lathe
