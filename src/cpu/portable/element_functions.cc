// Functions of one real number, for floats of any type; rounded once, from double. The rows that end in
// "Any" stand beside faster ones for float32. Round takes ties to even.
#include <numbers>

#include "cpu/portable/element_reals.h"

namespace lathe::portable {
namespace {

using Attributes = const AttributeValue*;

double sigmoid(double x) {
  const double far = std::exp(-std::fabs(x));
  return x < 0 ? far / (1 + far) : 1 / (1 + far);
}

/// log(1 + exp(x)), from the side where nothing overflows.
double softplus(double x) { return std::log1p(std::exp(-std::fabs(x))) + (x > 0 ? x : 0); }

double gelu(double x, Attributes attributes) {
  if (attributes[0].text[0] != 't') return x / 2 * std::erfc(-x / std::numbers::sqrt2);
  const double inner = std::sqrt(2 * std::numbers::inv_pi) * (x + 0.044715 * x * x * x);
  return x / 2 * (1 + std::tanh(inner));
}

}  // namespace

std::span<const Kernel> element_functions_kernels() {
  static const Kernel kKernels[] = {
      real_kernel<[](double x, Attributes) { return std::acos(x); }>("acos", "Acos"),
      real_kernel<[](double x, Attributes) { return std::acosh(x); }>("acosh", "Acosh"),
      real_kernel<[](double x, Attributes) { return std::asin(x); }>("asin", "Asin"),
      real_kernel<[](double x, Attributes) { return std::asinh(x); }>("asinh", "Asinh"),
      real_kernel<[](double x, Attributes) { return std::atan(x); }>("atan", "Atan"),
      real_kernel<[](double x, Attributes) { return std::atanh(x); }>("atanh", "Atanh"),
      real_kernel<[](double x, Attributes) { return std::ceil(x); }>("ceil", "Ceil"),
      real_kernel<[](double x, Attributes) { return std::cos(x); }>("cos", "Cos"),
      real_kernel<[](double x, Attributes) { return std::cosh(x); }>("cosh", "Cosh"),
      real_kernel<[](double x, Attributes) { return std::erf(x); }>("erf_any", "ErfAny"),
      real_kernel<[](double x, Attributes) { return std::exp(x); }>("exp_any", "ExpAny"),
      real_kernel<[](double x, Attributes) { return std::floor(x); }>("floor", "Floor"),
      real_kernel<gelu>("gelu_any", "GeluAny"),
      real_kernel<[](double x, Attributes) { return std::log(x); }>("log_any", "LogAny"),
      real_kernel<[](double x, Attributes) { return 1 / x; }>("reciprocal_any", "ReciprocalAny"),
      real_kernel<[](double x, Attributes) { return std::nearbyint(x); }>("round", "Round"),
      real_kernel<[](double x, Attributes) { return sigmoid(x); }>("sigmoid_any", "SigmoidAny"),
      real_kernel<[](double x, Attributes) { return std::sin(x); }>("sin", "Sin"),
      real_kernel<[](double x, Attributes) { return std::sinh(x); }>("sinh", "Sinh"),
      real_kernel<[](double x, Attributes) { return softplus(x); }>("softplus_any", "SoftplusAny"),
      real_kernel<[](double x, Attributes) { return std::sqrt(x); }>("sqrt_any", "SqrtAny"),
      real_kernel<[](double x, Attributes a) { return x * sigmoid(a[0].real * x); }>("swish_any", "SwishAny"),
      real_kernel<[](double x, Attributes) { return std::tan(x); }>("tan", "Tan"),
      real_kernel<[](double x, Attributes) { return std::tanh(x); }>("tanh_any", "TanhAny"),
  };
  return kKernels;
}

}  // namespace lathe::portable
