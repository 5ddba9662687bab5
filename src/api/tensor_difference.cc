#include "api/tensor_difference.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace lathe {

void DifferenceMeter::add(const Tensor& a, const Tensor& b) {
  CHECK(a.shape == b.shape);
  if (shape_.empty())
    shape_ = a.shape;
  else
    shape_[0] += a.shape[0];
  add_numbers(numbers(a), numbers(b));
}

void DifferenceMeter::add_numbers(std::span<const double> a, std::span<const double> b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool same = std::bit_cast<std::uint64_t>(a[i]) == std::bit_cast<std::uint64_t>(b[i]);
    add_pair(a[i], b[i], same, elements_ + static_cast<std::int64_t>(i));
  }
  elements_ += static_cast<std::int64_t>(a.size());
}

void DifferenceMeter::add_pair(double a, double b, bool same_bits, std::int64_t index) {
  if (!same_bits) {
    ++different_;
    if (first_ < 0) first_ = index;
  }
  if (!std::isfinite(a) || !std::isfinite(b)) {
    const bool same = same_bits || a == b || (std::isnan(a) && std::isnan(b));
    unbounded_ = unbounded_ || !same;
    outside_ += same ? 0 : 1;
    return;
  }
  const double difference = std::abs(a - b);
  if (difference > tolerance_.absolute + tolerance_.relative * std::abs(a)) ++outside_;
  max_abs_ = std::max(max_abs_, difference);
  square_difference_ += difference * difference;
  square_a_ += a * a;
  square_b_ += b * b;
  product_ += a * b;
}

TensorDifference DifferenceMeter::result() const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  TensorDifference result;
  result.shape = shape_;
  result.elements = elements_;
  result.different = different_;
  result.outside = outside_;
  result.equal = different_ == 0;
  result.max_abs = unbounded_ ? kInfinity : max_abs_;
  const double count = static_cast<double>(std::max<std::int64_t>(1, elements_));
  result.rms = unbounded_ ? kInfinity : std::sqrt(square_difference_ / count);
  if (result.rms > 0)
    result.relative_rms = square_a_ > 0 ? result.rms / std::sqrt(square_a_ / count) : kInfinity;
  const double norms = std::sqrt(square_a_) * std::sqrt(square_b_);
  if (square_difference_ > 0) result.cosine = norms > 0 ? product_ / norms : 0;
  if (unbounded_) result.cosine = 0;
  if (first_ < 0) return result;
  result.first.resize(shape_.size());
  std::int64_t rest = first_;
  for (std::size_t axis = shape_.size(); axis-- > 0;) {
    result.first[axis] = rest % shape_[axis];
    rest /= shape_[axis];
  }
  return result;
}

}  // namespace lathe
