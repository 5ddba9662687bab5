// NegativeLogLikelihoodLoss: x [batch, classes, ...] of logarithms of probabilities, SoftmaxCrossEntropyLoss:
// of scores; target [batch, ...], optional weights [classes]. Attribute reduction: none, sum, or the mean by
// weight. Targets that are ignore_index count nothing; others out of range are faults.
// SoftmaxCrossEntropyLoss's output 1 is the logarithms of the probabilities. Sums are taken in double.
#include <string_view>

#include "cpu/portable/typed.h"

namespace lathe::portable {
namespace {

constexpr std::size_t kIgnoreIndex = 0;
constexpr std::size_t kReduction = 1;
constexpr std::size_t kOutputs = 2;

/// The classes of one target, `step` apart.
template <class T>
struct Scores {
  const T* x;
  std::int64_t classes;
  std::int64_t step;

  double at(std::int64_t i) const { return static_cast<double>(load(x[i * step])); }
  /// The logarithm of the sum of exponentials; what log-softmax takes off.
  double log_sum() const {
    double greatest = -std::numeric_limits<double>::infinity();
    for (std::int64_t i = 0; i < classes; ++i) greatest = std::max(greatest, at(i));
    double sum = 0;
    for (std::int64_t i = 0; i < classes; ++i) sum += std::exp(at(i) - greatest);
    return greatest + std::log(sum);
  }
};

/// What one target loses, and its weight.
struct Loss {
  double loss = 0;
  double weight = 0;
};

template <bool softmax>
struct ClassLoss {
  template <class T>
  static void run(const KernelCall& call) {
    const auto& x = call.inputs[0];
    const auto& target = call.inputs[1];
    const std::int64_t batch = x.dims[0];
    const std::int64_t classes = x.dims[1];
    const std::int64_t count = element_count(target);
    const std::int64_t inner = batch == 0 ? 0 : count / batch;
    const std::string_view reduction = call.attributes[kReduction].text;
    T* log_probabilities =
        softmax && call.attributes[kOutputs].integer > 1 ? data_of<T>(call.outputs[1]) : nullptr;
    Loss total;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t offset = i / inner * classes * inner + i % inner;
      const Scores<T> scores{data_of<const T>(x) + offset, classes, inner};
      const double shift = softmax ? scores.log_sum() : 0.0;
      if (log_probabilities != nullptr)
        for (std::int64_t c = 0; c < classes; ++c)
          log_probabilities[offset + c * inner] =
              static_cast<T>(static_cast<Computed<T>>(scores.at(c) - shift));
      const Loss one = loss_of(call, scores, integer_at(target, i), shift);
      if (reduction == "none") put<T>(call, i, one.loss);
      total.loss += one.loss;
      total.weight += one.weight;
    }
    if (reduction == "sum") put<T>(call, 0, total.loss);
    if (reduction == "mean") put<T>(call, 0, total.loss / total.weight);
  }

  template <class T>
  static Loss loss_of(const KernelCall& call, const Scores<T>& scores, std::int64_t target, double shift) {
    if (target == call.attributes[kIgnoreIndex].integer) return {};
    if (target < 0 && target >= -scores.classes) target += scores.classes;
    if (target < 0 || target >= scores.classes) {
      if (call.fault != nullptr) *call.fault = 1;
      return {};
    }
    const double weight = has_input(call, 2) ? real_at(call.inputs[2], target) : 1.0;
    return {(shift - scores.at(target)) * weight, weight};
  }

  template <class T>
  static void put(const KernelCall& call, std::int64_t index, double value) {
    data_of<T>(call.outputs[0])[index] = static_cast<T>(static_cast<Computed<T>>(value));
  }
};

/// The mean is one sum over all targets.
bool serial(const KernelCall&) { return true; }

template <bool softmax>
Kernel kernel(const char* name, std::string_view op) {
  using Function = Typed<ClassLoss<softmax>, FloatTypes>;
  return {.name = name,
          .op = op,
          .arithmetic = "any",
          .accepts = Function::accepts,
          .run = Function::run,
          .serial = serial};
}

}  // namespace

std::span<const Kernel> class_loss_kernels() {
  static const Kernel kKernels[] = {
      kernel<false>("portable.negative_log_likelihood_loss", "NegativeLogLikelihoodLoss"),
      kernel<true>("portable.softmax_cross_entropy_loss", "SoftmaxCrossEntropyLoss"),
  };
  return kKernels;
}

}  // namespace lathe::portable
