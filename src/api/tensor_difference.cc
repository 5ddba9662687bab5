#include "api/tensor_difference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"

namespace lathe {
namespace {

const ElementReader& reader_of(const Tensor& tensor) {
  const ElementReader* reader = find_element_reader(tensor.dtype);
  if (reader == nullptr)
    throw Error(ErrorCode::invalid_argument, "bytes of type " + printable(tensor.dtype) + " are no numbers",
                {{}, std::nullopt, "dtype"});
  return *reader;
}

bool same_number(WideNumber a, WideNumber b) {
  return (a == b && std::signbit(a) == std::signbit(b)) || (std::isnan(a) && std::isnan(b));
}

std::string shape_text(const Tensor& tensor) {
  std::string text = "[";
  for (std::size_t i = 0; i < tensor.shape.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(tensor.shape[i]);
  return text + "]";
}

}  // namespace

void DifferenceMeter::add(const Tensor& a, const Tensor& b) {
  CHECK(a.shape == b.shape);
  if (shape_.empty())
    shape_ = a.shape;
  else
    shape_[0] += a.shape[0];
  if (a.dtype == "string" && b.dtype == "string") return add_texts(a, b);
  const ElementReader& of_a = reader_of(a);
  const ElementReader& of_b = reader_of(b);
  const std::size_t count = a.bytes.size() / of_a.bytes;
  CHECK(b.bytes.size() / of_b.bytes == count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::byte* at_a = &a.bytes[i * of_a.bytes];
    const std::byte* at_b = &b.bytes[i * of_b.bytes];
    const WideNumber x = of_a.read(at_a);
    const WideNumber y = of_b.read(at_b);
    const bool same = a.dtype == b.dtype ? std::memcmp(at_a, at_b, of_a.bytes) == 0 : same_number(x, y);
    add_pair(x, y, same, elements_ + static_cast<std::int64_t>(i));
  }
  elements_ += static_cast<std::int64_t>(count);
}

/// Two texts are equal, or as far apart as can be.
void DifferenceMeter::add_texts(const Tensor& a, const Tensor& b) {
  CHECK(a.texts.size() == b.texts.size());
  for (std::size_t i = 0; i < a.texts.size(); ++i) {
    if (a.texts[i] == b.texts[i]) continue;
    ++different_;
    ++outside_;
    unbounded_ = true;
    if (first_ < 0) first_ = elements_ + static_cast<std::int64_t>(i);
  }
  elements_ += std::ssize(a.texts);
}

void DifferenceMeter::add_pair(WideNumber wide_a, WideNumber wide_b, bool same_bits, std::int64_t index) {
  const auto a = static_cast<double>(wide_a), b = static_cast<double>(wide_b);
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
  const auto difference = static_cast<double>(std::fabs(wide_a - wide_b));
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

void ComparisonMaker::not_compared(const std::string& note) {
  result_.notes.push_back(note);
  comparable_ = false;
}

void ComparisonMaker::add(const std::string& name, const std::string& op, const Tensor& a, const Tensor& b) {
  if (a.container != b.container || a.elements.size() != b.elements.size())
    return not_compared(name + " is a " + (a.container.empty() ? "tensor" : a.container) + " of " +
                        std::to_string(a.elements.size()) + " in A, and a " +
                        (b.container.empty() ? "tensor" : b.container) + " of " +
                        std::to_string(b.elements.size()) + " in B");
  for (std::size_t i = 0; i < a.elements.size(); ++i)
    add(name + "[" + std::to_string(i) + "]", op, a.elements[i], b.elements[i]);
  if (!a.container.empty()) return;
  if (a.shape != b.shape)
    return not_compared(name + " has another shape in B: " + shape_text(a) + ", " + shape_text(b));
  if ((a.dtype == "string") != (b.dtype == "string"))
    return not_compared(name + " is of " + a.dtype + " in A, and of " + b.dtype + " in B");
  DifferenceMeter meter(tolerance_);
  meter.add(a, b);
  auto difference = meter.result();
  difference.name = name;
  difference.op = op;
  difference.dtype_a = a.dtype;
  difference.dtype_b = b.dtype;
  result_.tensors.push_back(std::move(difference));
}

Comparison ComparisonMaker::result() const {
  Comparison result = result_;
  result.within = comparable_ && !result.tensors.empty() &&
                  std::ranges::all_of(result.tensors, [](const auto& tensor) { return tensor.outside == 0; });
  return result;
}

}  // namespace lathe
