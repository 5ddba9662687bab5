#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "base/error.h"
#include "quant/calibrator.h"

namespace lathe {
namespace {

constexpr std::array kCalibrators = {
    Calibrator{"entropy2", "the least divergence of the codes' distribution; the largest of equal thresholds",
               entropy2_threshold},
    Calibrator{"entropy", "the same with the smallest of equal thresholds", entropy_threshold},
    Calibrator{"minmax", "nothing is cut off", min_max_threshold},
    Calibrator{"percentile", "a share of the values is kept whole", percentile_threshold},
    Calibrator{"mse", "the least squared error of the codes", mse_threshold},
};

}  // namespace

std::span<const Calibrator> all_calibrators() { return kCalibrators; }

const Calibrator& find_calibrator(std::string_view name) {
  const auto found = std::ranges::find(kCalibrators, name, &Calibrator::name);
  if (found != kCalibrators.end()) return *found;
  std::string known;
  for (const auto& calibrator : kCalibrators)
    known += (known.empty() ? "" : ", ") + std::string(calibrator.name);
  throw Error(ErrorCode::invalid_argument,
              "there is no calibrator \"" + printable(name) + "\"; there are " + known,
              {{}, std::nullopt, "calibrator"});
}

double calibrate(const Calibrator& calibrator, const Histogram& histogram, const CalibratorOptions& options) {
  const double greatest =
      std::max(std::fabs(double{histogram.least()}), std::fabs(double{histogram.greatest()}));
  if (histogram.counts().empty()) return 0;
  return std::min(calibrator.threshold(histogram, options), greatest);
}

}  // namespace lathe
