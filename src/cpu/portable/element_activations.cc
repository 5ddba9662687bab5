// Activation functions of floats of any type:
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
// NaN stays NaN. Those of float32 are computed in float32, the others in double and rounded once.
#include <string>
#include <vector>

#include "cpu/element_formulas.h"
#include "cpu/portable/element_reals.h"
#include "cpu/portable/expm1_f32.h"

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

float celu_f32(float x, Attributes a) {
  const auto alpha = static_cast<float>(a[0].real);
  return x < 0.0f ? alpha * expm1_f32(x / alpha) : x;
}

float elu_f32(float x, Attributes a) { return x < 0.0f ? static_cast<float>(a[0].real) * expm1_f32(x) : x; }

/// tanh(log(1 + e)) = n / (n + 2) with n = e (e + 2); far above 0 it is 1.
float mish_f32(float x, Attributes) {
  const float e = exp_f32(20.0f < x ? 20.0f : x);
  const float n = e * (e + 2.0f);
  return x * (n / (n + 2.0f));
}

float selu_f32(float x, Attributes a) {
  return static_cast<float>(a[1].real) * (x < 0.0f ? static_cast<float>(a[0].real) * expm1_f32(x) : x);
}

float hard_sigmoid_f32(float x, Attributes a) { return formulas::hard_sigmoid(x, a[0].real, a[1].real); }

float hard_swish_f32(float x, Attributes) { return formulas::hard_swish(x); }

float leaky_relu_f32(float x, Attributes a) { return formulas::leaky_relu(x, a[0].real); }

template <float (*function)(float, Attributes)>
void run_f32(const KernelCall& call) {
  const auto* x = data_of<const float>(call.inputs[0]);
  auto* y = data_of<float>(call.outputs[0]);
  const Share share = share_of(call, element_count(call.inputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) y[i] = function(x[i], call.attributes);
}

using WideAndShort = Elements<double, Float16, Bfloat16>;

/// Two kernels of the op, for float32 and for the others; the first have faster ones.
template <float (*function_f32)(float, Attributes), double (*function)(double, Attributes)>
void add(std::vector<Kernel>& kernels, const std::string& name, std::string_view op) {
  kernels.push_back(
      element_kernel(name + ".f32", op, run_f32<function_f32>, accepts_first<Elements<float>>, kInPlace));
  kernels.push_back(element_kernel(name, op, run_real<function>, accepts_first<WideAndShort>, kInPlace));
}

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
  static const std::vector<Kernel> kKernels = [] {
    std::vector<Kernel> kernels;
    add<celu_f32, celu>(kernels, "celu", "Celu");
    add<elu_f32, elu>(kernels, "elu", "Elu");
    add<hard_sigmoid_f32, hard_sigmoid>(kernels, "hard_sigmoid", "HardSigmoid");
    add<hard_swish_f32, hard_swish>(kernels, "hard_swish", "HardSwish");
    add<leaky_relu_f32, leaky_relu>(kernels, "leaky_relu", "LeakyRelu");
    add<mish_f32, mish>(kernels, "mish", "Mish");
    add<selu_f32, selu>(kernels, "selu", "Selu");
    kernels.push_back(real_kernel<softsign>("softsign", "Softsign"));
    kernels.push_back(real_kernel<thresholded_relu>("thresholded_relu", "ThresholdedRelu"));
    kernels.push_back(element_kernel("swiglu", "SwiGLU", run_swiglu, accepts_first<Floats>));
    return kernels;
  }();
  return kKernels;
}

}  // namespace lathe::portable
