// From which magnitude on the values of a tensor are cut off where it becomes 8-bit codes: calibrators read
// that from a histogram. One file each, a row in calibrators.cc.
#pragma once

#include <span>
#include <string_view>

#include "quant/histogram.h"

namespace lathe {

struct CalibratorOptions {
  double percentile =
      99.99;  // of the values that are kept whole: of "percentile" alone; above 0, at most 100
};

struct Calibrator {
  std::string_view name;
  std::string_view summary;  // one line for people
  /// The greatest magnitude that a code stands for. `histogram` has counts.
  double (*threshold)(const Histogram& histogram, const CalibratorOptions& options);
};

std::span<const Calibrator> all_calibrators();

/// Throws Error(invalid_argument) with the names that there are.
const Calibrator& find_calibrator(std::string_view name);

/// The calibrator's threshold; 0 for a tensor of zeros alone, and never above its greatest magnitude.
double calibrate(const Calibrator& calibrator, const Histogram& histogram, const CalibratorOptions& options);

double entropy2_threshold(const Histogram& histogram, const CalibratorOptions& options);
double entropy_threshold(const Histogram& histogram, const CalibratorOptions& options);
double min_max_threshold(const Histogram& histogram, const CalibratorOptions& options);
double percentile_threshold(const Histogram& histogram, const CalibratorOptions& options);
double mse_threshold(const Histogram& histogram, const CalibratorOptions& options);

}  // namespace lathe
