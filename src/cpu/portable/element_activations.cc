// Activation functions of floats of any type, rounded once, from double:
//   Celu            max(0, x) + min(0, alpha (exp(x / alpha) - 1))
//   Elu             alpha (exp(x) - 1) below 0
//   HardSigmoid     alpha x + beta, within 0 and 1
//   HardSwish       x max(0, min(1, x / 6 + 1/2))
//   LeakyRelu       alpha x below 0
//   Mish            x tanh(log(1 + exp(x)))
//   Selu            gamma x, and gamma alpha (exp(x) - 1) below 0
//   Softsign        x / (1 + |x|)
//   SwiGLU (a, b)   a / (1 + exp(-alpha a)) b, of equal shapes
//   ThresholdedRelu x above alpha, else 0
// NaN stays NaN.
#include "cpu/portable/element_reals.h"

namespace lathe::portable {
namespace {

using Attributes = const AttributeValue*;

double celu(double x, Attributes a) { return x < 0 ? a[0].real * std::expm1(x / a[0].real) : x; }

double elu(double x, Attributes a) { return x < 0 ? a[0].real * std::expm1(x) : x; }

double within_one(double x) {
  const double raised = x < 0 ? 0 : x;
  return raised > 1 ? 1 : raised;
}

double hard_sigmoid(double x, Attributes a) { return within_one(a[0].real * x + a[1].real); }

double hard_swish(double x, Attributes) { return x * within_one(x / 6 + 0.5); }

double leaky_relu(double x, Attributes a) { return x < 0 ? a[0].real * x : x; }

double mish(double x, Attributes) {
  const double softplus = std::log1p(std::exp(-std::fabs(x))) + (x > 0 ? x : 0);
  return x * std::tanh(softplus);
}

double selu(double x, Attributes a) { return a[1].real * (x > 0 ? x : a[0].real * std::expm1(x)); }

double softsign(double x, Attributes) { return x / (1 + std::fabs(x)); }

double thresholded_relu(double x, Attributes a) { return x <= a[0].real ? 0 : x; }

void run_swiglu(const KernelCall& call) {
  std::array<double, kRealBlock> gates;
  std::array<double, kRealBlock> values;
  const double alpha = call.attributes[0].real;
  const Share share = share_of(call, element_count(call.outputs[0]));
  for (std::int64_t i = share.begin; i < share.end; i += kRealBlock) {
    const std::int64_t count = std::min(kRealBlock, share.end - i);
    load_reals(call.inputs[0], i, count, gates.data());
    load_reals(call.inputs[1], i, count, values.data());
    for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k)
      values[k] *= gates[k] / (1 + std::exp(-alpha * gates[k]));
    store_reals(call.outputs[0], i, count, values.data());
  }
}

}  // namespace

std::span<const Kernel> element_activations_kernels() {
  static const Kernel kKernels[] = {
      real_kernel<celu>("celu", "Celu"),
      real_kernel<elu>("elu", "Elu"),
      real_kernel<hard_sigmoid>("hard_sigmoid", "HardSigmoid"),
      real_kernel<hard_swish>("hard_swish", "HardSwish"),
      real_kernel<leaky_relu>("leaky_relu", "LeakyRelu"),
      real_kernel<mish>("mish", "Mish"),
      real_kernel<selu>("selu", "Selu"),
      real_kernel<softsign>("softsign", "Softsign"),
      real_kernel<thresholded_relu>("thresholded_relu", "ThresholdedRelu"),
      element_kernel("swiglu", "SwiGLU", run_swiglu, accepts_first<Floats>),
  };
  return kKernels;
}

}  // namespace lathe::portable
