#include "quant/linear_quantization.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/checked.h"
#include "base/error.h"

namespace lathe {
namespace {

/// How scales lie over values: runs of `run` neighbours share one, and the scales repeat after `period`
/// runs. In rows of `row` values the last run may be shorter. Without values there are no scales.
struct Sharing {
  std::int64_t row;
  std::int64_t run;
  std::int64_t period;
  std::int64_t scales;
};

[[noreturn]] void refuse(const std::string& message, const char* field) {
  throw Error(ErrorCode::invalid_argument, message, {{}, {}, field});
}

std::int64_t element_count(std::span<const std::int64_t> shape) {
  std::uint64_t count = 1;
  for (const std::int64_t size : shape) {
    if (size < 0) refuse("a size of the shape is negative", "shape");
    const auto product = checked_multiply(count, static_cast<std::uint64_t>(size));
    if (!product || *product > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      refuse("the shape has more elements than can be counted", "shape");
    count = *product;
  }
  return static_cast<std::int64_t>(count);
}

Sharing sharing_of(std::span<const std::int64_t> shape, const LinearScheme& scheme, std::int64_t count) {
  if (scheme.sharing == ScaleSharing::tensor) return {count, count, 1, count == 0 ? 0 : 1};
  if (shape.empty()) refuse("a single number has neither channels nor groups", "shape");
  if (scheme.sharing == ScaleSharing::group) {
    if (scheme.group < 1) refuse("a group must have at least one value", "group");
    if (count == 0) return {1, 1, 1, 0};
    const std::int64_t row = shape.back();
    const std::int64_t groups = (row - 1) / scheme.group + 1;
    return {row, std::min(scheme.group, row), count / row * groups, count / row * groups};
  }
  if (scheme.axis < 0 || scheme.axis >= static_cast<std::int64_t>(shape.size()))
    refuse("axis " + std::to_string(scheme.axis) + " is not one of the " + std::to_string(shape.size()) +
               " of the shape",
           "axis");
  if (count == 0) return {1, 1, 1, 0};
  const auto axis = static_cast<std::size_t>(scheme.axis);
  const std::int64_t inner = element_count(shape.subspan(axis + 1));
  return {count, inner, shape[axis], shape[axis]};
}

/// Calls with the first value, the values and the scale of every run, in order.
template <class Visit>
void for_each_run(const Sharing& sharing, std::int64_t count, const Visit& visit) {
  std::int64_t run = 0;
  for (std::int64_t first = 0; first < count; ++run) {
    const std::int64_t left_in_row = sharing.row - first % sharing.row;
    const std::int64_t length = std::min(sharing.run, left_in_row);
    visit(static_cast<std::size_t>(first), static_cast<std::size_t>(length),
          static_cast<std::size_t>(run % sharing.period));
    first += length;
  }
}

struct Ends {
  float smallest = 0;  // 0 always lies in the range
  float largest = 0;
};

}  // namespace

CodeRange code_range(int bits, bool symmetric) {
  const int half = 1 << (bits - 1);
  return {symmetric ? 1 - half : -half, half - 1};
}

LinearScale linear_scale(float smallest, float largest, int bits, bool symmetric) {
  const CodeRange range = code_range(bits, symmetric);
  const double span = symmetric ? std::max(std::abs(smallest), std::abs(largest))
                                : static_cast<double>(std::max(largest, 0.0f)) - std::min(smallest, 0.0f);
  if (span == 0) return {1.0f, symmetric ? 0 : range.lowest};
  const double steps = symmetric ? range.highest : range.highest - range.lowest;
  auto scale = static_cast<float>(span / steps);
  // Subnormal scales have few digits: rounded down, the codes would not reach the ends.
  if (scale < std::numeric_limits<float>::min() && scale * steps < span) scale = std::nextafter(scale, 1.0f);
  if (symmetric) return {scale, 0};
  const float zero = static_cast<float>(range.lowest) - std::nearbyint(std::min(smallest, 0.0f) / scale);
  return {scale, std::clamp(static_cast<int>(zero), range.lowest, range.highest)};
}

int linear_code(float value, const LinearScale& scale, const CodeRange& range) {
  const float code = std::nearbyint(value / scale.scale) + static_cast<float>(scale.zero_point);
  return static_cast<int>(
      std::clamp(code, static_cast<float>(range.lowest), static_cast<float>(range.highest)));
}

float linear_value(int code, const LinearScale& scale) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  return std::clamp(scale.scale * static_cast<float>(code - scale.zero_point), -kLargest, kLargest);
}

LinearQuantized quantize_linear(std::span<const float> values, std::span<const std::int64_t> shape,
                                const LinearScheme& scheme) {
  if (scheme.bits < 2 || scheme.bits > 8) refuse("codes have 2 to 8 bits", "bits");
  const std::int64_t count = element_count(shape);
  if (count != static_cast<std::int64_t>(values.size()))
    refuse("the shape has " + std::to_string(count) + " elements, and there are " +
               std::to_string(values.size()) + " values",
           "shape");
  const Sharing sharing = sharing_of(shape, scheme, count);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      refuse("value " + std::to_string(i) + " is " + (std::isnan(values[i]) ? "NaN" : "infinite"), "values");

  std::vector<Ends> ends(static_cast<std::size_t>(sharing.scales));
  for_each_run(sharing, count, [&](std::size_t first, std::size_t length, std::size_t scale) {
    for (const float value : values.subspan(first, length)) {
      ends[scale].smallest = std::min(ends[scale].smallest, value);
      ends[scale].largest = std::max(ends[scale].largest, value);
    }
  });
  LinearQuantized result{scheme, {shape.begin(), shape.end()}, std::vector<std::int8_t>(values.size()), {}};
  for (const Ends& end : ends)
    result.scales.push_back(linear_scale(end.smallest, end.largest, scheme.bits, scheme.symmetric));
  const CodeRange range = code_range(scheme.bits, scheme.symmetric);
  for_each_run(sharing, count, [&](std::size_t first, std::size_t length, std::size_t scale) {
    for (std::size_t i = first; i < first + length; ++i)
      result.codes[i] = static_cast<std::int8_t>(linear_code(values[i], result.scales[scale], range));
  });
  return result;
}

std::vector<float> dequantize_linear(const LinearQuantized& quantized) {
  const auto count = static_cast<std::int64_t>(quantized.codes.size());
  std::vector<float> values(quantized.codes.size());
  for_each_run(sharing_of(quantized.shape, quantized.scheme, count), count,
               [&](std::size_t first, std::size_t length, std::size_t scale) {
                 for (std::size_t i = first; i < first + length; ++i)
                   values[i] = linear_value(quantized.codes[i], quantized.scales[scale]);
               });
  return values;
}

}  // namespace lathe
