// TensorRT's IInt8EntropyCalibrator2: the last of the thresholds with the least divergence.
#include <algorithm>

#include "quant/calibrator.h"
#include "quant/divergences.h"

namespace lathe {

double entropy2_threshold(const Histogram& histogram, const CalibratorOptions&) {
  const auto divergences = code_divergences(histogram.counts());
  const auto last = std::min_element(divergences.rbegin(), divergences.rend());
  return histogram.edge(kCodeLevels + static_cast<std::size_t>(divergences.rend() - last) - 1);
}

}  // namespace lathe
