// How often values of which magnitude occur in a tensor, over many batches: |x| in bins of one width, as
// NVIDIA's calibrators count (pytorch_quantization/calib/histogram.py).
//
//   bin i   |x| in [i * width, (i + 1) * width); the last one holds the greatest |x| too
//
// The first batch with anything but zeros sets the width, its greatest |x| / 2048. Later batches with larger
// values append bins of the same width, up to kMostBins. Behind that the bins are joined two by two and the
// width doubles, so that one far value takes neither memory nor time without bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lathe {

class Histogram {
 public:
  static constexpr std::size_t kFirstBins = 2048;
  static constexpr std::size_t kMostBins = 8192;

  /// False where a value is NaN or infinite: nothing is counted then.
  bool add(std::span<const float> values);
  /// One that has counted already.
  static Histogram of(std::vector<double> counts, double width);

  /// Whole numbers; empty where there were no values, or zeros alone.
  std::span<const double> counts() const { return counts_; }
  /// Where bin i begins; edge(counts().size()) is where the last one ends.
  double edge(std::size_t i) const { return static_cast<double>(i) * width_; }
  float least() const { return least_; }  // of the values themselves; 0 where there were none
  float greatest() const { return greatest_; }

 private:
  void make_room(double magnitude);

  std::vector<double> counts_;
  double width_ = 0;
  double zeros_ = 0;  // before the first bins were there
  float least_ = 0, greatest_ = 0;
  bool seen_ = false;
};

}  // namespace lathe
