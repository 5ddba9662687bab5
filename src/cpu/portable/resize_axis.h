// Where the elements of a resized axis come from: ONNX's Resize, one axis at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "cpu/portable/element_number.h"

namespace lathe::portable {

struct ResizeAxis {
  std::int64_t input;
  std::int64_t output;
  double scale;
  double roi_start;
  double roi_end;
};

/// One element of the output along an axis.
struct ResizeSample {
  std::int64_t first;  // of the elements that it is made of; may lie before the input, whose ends go on
  std::int64_t count;
  double position;
  double total;  // what the weights are divided by
  std::int64_t outside;
};

class ResizeRule {
 public:
  explicit ResizeRule(const KernelCall& call)
      : antialias_(call.attributes[0].integer != 0),
        transformation_(call.attributes[2].text),
        cubic_(call.attributes[3].real),
        exclude_outside_(call.attributes[4].integer != 0),
        mode_(call.attributes[7].text),
        nearest_mode_(call.attributes[8].text) {}

  bool is_nearest() const { return mode_ == "nearest"; }

  ResizeSample sample(const ResizeAxis& axis, std::int64_t index) const {
    ResizeSample result{index, 1, static_cast<double>(index), 1, 0};
    result.position = position(axis, static_cast<double>(index));
    const auto last = static_cast<double>(axis.input - 1);
    if (transformation_ == "tf_crop_and_resize" && !(result.position >= 0 && result.position <= last)) {
      result.outside = 1;
      result.position = 0;
    }
    // Far outside, only the end of the input is seen.
    const double far = static_cast<double>(axis.input + axis.output) + 8;
    result.position = std::clamp(result.position, -far, far);
    if (is_nearest()) {
      result.first = std::clamp<std::int64_t>(nearest(result.position), 0, axis.input - 1);
      return result;
    }
    const double shrink = factor(axis);
    const double support = mode_ == "cubic" ? 2 : 1;
    const auto start = static_cast<std::int64_t>(std::floor(-support / shrink)) + 1;
    result.first = static_cast<std::int64_t>(std::floor(result.position)) + start;
    result.count = 2 - 2 * start;
    if (!antialias_ && !exclude_outside_) return result;
    double total = 0;
    for (std::int64_t i = 0; i < result.count; ++i) total += weight(axis, result, i);
    result.total = total == 0 ? 1 : total;
    return result;
  }

  double weight(const ResizeAxis& axis, const ResizeSample& sample, std::int64_t i) const {
    if (is_nearest()) return 1;
    const std::int64_t index = sample.first + i;
    if (exclude_outside_ && (index < 0 || index >= axis.input)) return 0;
    const double x = std::fabs((static_cast<double>(index) - sample.position) * factor(axis));
    if (mode_ == "linear") return std::max(1 - x, 0.0) / sample.total;
    const double a = cubic_;
    if (x <= 1) return (((a + 2) * x - (a + 3)) * x * x + 1) / sample.total;
    return x < 2 ? (((a * x - 5 * a) * x + 8 * a) * x - 4 * a) / sample.total : 0;
  }

 private:
  double factor(const ResizeAxis& axis) const { return antialias_ ? std::min(axis.scale, 1.0) : 1.0; }

  double position(const ResizeAxis& axis, double index) const {
    const auto input = static_cast<double>(axis.input);
    const double resized = axis.scale * input;
    const double half_pixel = (index + 0.5) / axis.scale - 0.5;
    if (transformation_ == "half_pixel") return half_pixel;
    if (transformation_ == "pytorch_half_pixel") return resized == 1 ? 0 : half_pixel;
    if (transformation_ == "asymmetric") return index / axis.scale;
    if (transformation_ == "tf_half_pixel_for_nn") return (index + 0.5) / axis.scale;
    if (transformation_ == "align_corners") return resized == 1 ? 0 : index * (input - 1) / (resized - 1);
    if (transformation_ == "half_pixel_symmetric")
      return input / 2 * (1 - static_cast<double>(axis.output) / resized) + half_pixel;
    const double extent = axis.roi_end - axis.roi_start;
    const double shift =
        resized == 1 ? extent * (input - 1) / 2 : index * extent * (input - 1) / (resized - 1);
    return shift + axis.roi_start * (input - 1);
  }

  std::int64_t nearest(double position) const {
    const double below = std::floor(position);
    const double rest = position - below;
    bool up = rest > 0.5;
    if (nearest_mode_ == "round_prefer_ceil") up = rest >= 0.5;
    if (nearest_mode_ == "floor") up = false;
    if (nearest_mode_ == "ceil") up = rest > 0;
    return static_cast<std::int64_t>(below) + (up ? 1 : 0);
  }

  bool antialias_;
  std::string_view transformation_;
  double cubic_;
  bool exclude_outside_;
  std::string_view mode_;
  std::string_view nearest_mode_;
};

}  // namespace lathe::portable
