// Steps of optimizers (ai.onnx.preview.training), composed of ops on each tensor. Inputs are the rate R and
// the count T of earlier steps, then the tensors X, their gradients G, and what the optimizer keeps of each:
//   Adagrad   the sum H of squared gradients
//   Adam      means V of gradients and H of squared ones
//   Momentum  the momentum V
// Outputs are the new X, and what is kept, in the same order.
#include <array>

#include "formats/onnx_lower_element.h"

namespace lathe::onnx {
namespace {

using Values = std::vector<ValueId>;

/// Arithmetic on values and on numbers of their type.
class Step {
 public:
  Step(NodeImport& node, std::size_t kept) : node_(node) {
    const std::size_t count = node.inputs().size();
    if (count < 2 + 2 + kept || (count - 2) % (2 + kept) != 0)
      node.refuse("it needs a rate, a count, and " + std::to_string(2 + kept) +
                  " tensors for each that it changes");
    tensors_ = (count - 2) / (2 + kept);
  }
  std::size_t tensors() const { return tensors_; }
  /// X is group 0, G group 1, and so on.
  ValueId tensor(std::size_t group, std::size_t index) const {
    return node_.inputs()[2 + group * tensors_ + index];
  }
  /// The rate, or the count as a number of the rate's type.
  ValueId rate() const { return node_.inputs()[0]; }
  ValueId count() {
    const Dtype dtype = node_.type(0).dtype;
    return node_.add("Cast", {node_.inputs()[1]}, {{"to", std::string(info(dtype).name)}});
  }
  /// bool: whether there were earlier steps.
  ValueId is_later() {
    return node_.add("Greater", {node_.inputs()[1], node_.constant(0, node_.type(1).dtype)});
  }
  ValueId number(double value, ValueId like) {
    return node_.constant(value, node_.graph().value(like).type.dtype);
  }
  ValueId add(ValueId a, ValueId b) { return add_general(node_, "Add", {a, b}); }
  ValueId subtract(ValueId a, ValueId b) { return add_general(node_, "Sub", {a, b}); }
  ValueId multiply(ValueId a, ValueId b) { return add_general(node_, "Mul", {a, b}); }
  ValueId divide(ValueId a, ValueId b) { return add_general(node_, "Div", {a, b}); }
  ValueId root(ValueId a) { return add_general(node_, "Sqrt", {a}); }
  ValueId power(double base, ValueId exponent) {
    return add_general(node_, "Pow", {number(base, exponent), exponent});
  }
  ValueId scaled(double factor, ValueId a) { return multiply(number(factor, a), a); }
  ValueId choose(ValueId condition, ValueId a, ValueId b) { return node_.add("WhereAny", {condition, a, b}); }
  /// The gradient, and that of half the tensor's squared norm.
  ValueId gradient(std::size_t index) {
    const double norm = node_.real("norm_coefficient", 0);
    return add(scaled(norm, tensor(0, index)), tensor(1, index));
  }
  double real(const char* attribute, double otherwise) const { return node_.real(attribute, otherwise); }

 private:
  NodeImport& node_;
  std::size_t tensors_ = 0;
};

/// All first ones, then all second ones, ...
Values by_group(const std::vector<Values>& results) {
  Values all;
  for (std::size_t group = 0; group < results[0].size(); ++group)
    for (const auto& result : results) all.push_back(result[group]);
  return all;
}

Values lower_adagrad(NodeImport& node) {
  Step step(node, 1);
  const ValueId count = step.count();
  const ValueId rate = step.divide(
      step.rate(), step.add(step.number(1, count), step.scaled(step.real("decay_factor", 0), count)));
  std::vector<Values> results;
  for (std::size_t i = 0; i < step.tensors(); ++i) {
    const ValueId gradient = step.gradient(i);
    const ValueId sum = step.add(step.tensor(2, i), step.multiply(gradient, gradient));
    const ValueId root = step.add(step.root(sum), step.number(step.real("epsilon", 1e-6F), sum));
    const ValueId change = step.divide(step.multiply(rate, gradient), root);
    results.push_back({step.subtract(step.tensor(0, i), change), sum});
  }
  return by_group(results);
}

/// factor * old + (1 - factor) * fresh.
ValueId mean(Step& step, double factor, ValueId old, ValueId fresh) {
  return step.add(step.scaled(factor, old), step.scaled(1 - factor, fresh));
}

Values lower_adam(NodeImport& node) {
  Step step(node, 2);
  const double alpha = step.real("alpha", 0.9F);
  const double beta = step.real("beta", 0.999F);
  const ValueId count = step.count();
  const ValueId one = step.number(1, count);
  const ValueId corrected =
      step.divide(step.multiply(step.rate(), step.root(step.subtract(one, step.power(beta, count)))),
                  step.subtract(one, step.power(alpha, count)));
  const ValueId rate = step.choose(step.is_later(), corrected, step.rate());
  std::vector<Values> results;
  for (std::size_t i = 0; i < step.tensors(); ++i) {
    const ValueId gradient = step.gradient(i);
    const ValueId momentum = mean(step, alpha, step.tensor(2, i), gradient);
    const ValueId square = mean(step, beta, step.tensor(3, i), step.multiply(gradient, gradient));
    const ValueId root = step.add(step.root(square), step.number(step.real("epsilon", 1e-6F), square));
    const ValueId moved = step.subtract(step.tensor(0, i), step.divide(step.multiply(rate, momentum), root));
    results.push_back({step.scaled(1 - step.real("norm_coefficient_post", 0), moved), momentum, square});
  }
  return by_group(results);
}

Values lower_momentum(NodeImport& node) {
  Step step(node, 1);
  const std::string mode = node.text("mode");
  if (mode != "standard" && mode != "nesterov") node.refuse("mode must be standard or nesterov");
  const double alpha = step.real("alpha", 0);
  std::vector<Values> results;
  for (std::size_t i = 0; i < step.tensors(); ++i) {
    const ValueId gradient = step.gradient(i);
    const ValueId beta =
        step.choose(step.is_later(), step.number(step.real("beta", 0), gradient), step.number(1, gradient));
    const ValueId momentum = step.add(step.scaled(alpha, step.tensor(2, i)), step.multiply(beta, gradient));
    const ValueId direction =
        mode == "standard" ? momentum : step.add(gradient, step.scaled(alpha, momentum));
    results.push_back({step.subtract(step.tensor(0, i), step.multiply(step.rate(), direction)), momentum});
  }
  return by_group(results);
}

constexpr std::string_view kDomain = "ai.onnx.preview.training";

constexpr auto kTraining = std::to_array<Lowering>({
    {kDomain, "Adagrad", lower_adagrad},
    {kDomain, "Adam", lower_adam},
    {kDomain, "Momentum", lower_momentum},
});

}  // namespace

std::span<const Lowering> training_lowerings() { return kTraining; }

}  // namespace lathe::onnx
