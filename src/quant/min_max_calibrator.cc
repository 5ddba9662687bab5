// TensorRT's IInt8MinMaxCalibrator: the greatest magnitude of all.
#include <algorithm>
#include <cmath>

#include "quant/calibrator.h"

namespace lathe {

double min_max_threshold(const Histogram& histogram, const CalibratorOptions&) {
  return std::max(std::fabs(double{histogram.least()}), std::fabs(double{histogram.greatest()}));
}

}  // namespace lathe
