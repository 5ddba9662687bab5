// LRN (x [N, C, spatial...]): x / (bias + alpha / size * sum) ^ beta, the sum over the squares of the `size`
// channels around, in ascending order. float32 is computed in float32, and the power 0.75 by square roots.
#include <cmath>
#include <type_traits>

#include "cpu/portable/float_element.h"

namespace lathe::portable {
namespace {

constexpr std::int64_t kRun = 256;  // pixels at once

template <class Number>
Number power(Number base, Number exponent) {
  if constexpr (std::is_same_v<Number, float>)
    return static_cast<float>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  else
    return std::pow(base, exponent);
}

template <class Number>
void raise(Number* values, std::int64_t count, Number exponent) {
  if (exponent == Number(0.75)) {
    for (std::int64_t i = 0; i < count; ++i) {
      const Number root = std::sqrt(values[i]);
      values[i] = root * std::sqrt(root);
    }
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) values[i] = power(values[i], exponent);
}

template <class Element>
void run(const KernelCall& call) {
  using Number = typename Element::Number;
  const TensorArg& input = call.inputs[0];
  const std::int64_t size = call.attributes[3].integer;
  const auto scale = static_cast<Number>(call.attributes[0].real / static_cast<double>(size));
  const auto beta = static_cast<Number>(call.attributes[1].real);
  const auto bias = static_cast<Number>(call.attributes[2].real);
  const std::int64_t channels = input.dims[1];
  std::int64_t pixels = 1;
  for (int i = 2; i < input.rank; ++i) pixels *= input.dims[i];
  const auto* x = data_of<const typename Element::Stored>(input);
  auto* y = data_of<typename Element::Stored>(call.outputs[0]);
  const Share share = share_of(call, input.dims[0] * channels);
  for (std::int64_t plane = share.begin; plane < share.end; ++plane) {
    const std::int64_t channel = plane % channels;
    const std::int64_t first = std::max<std::int64_t>(channel - (size - 1) / 2, 0) - channel;
    const std::int64_t end = std::min(channel + size / 2 + 1, channels) - channel;
    for (std::int64_t begin = 0; begin < pixels; begin += kRun) {
      const std::int64_t count = std::min(kRun, pixels - begin);
      const auto* own = x + plane * pixels + begin;
      Number sums[kRun] = {};
      for (std::int64_t other = first; other < end; ++other) {
        const auto* values = own + other * pixels;
        for (std::int64_t i = 0; i < count; ++i) {
          const Number value = Element::load(values[i]);
          sums[i] += value * value;
        }
      }
      for (std::int64_t i = 0; i < count; ++i) sums[i] = bias + scale * sums[i];
      raise(sums, count, beta);
      for (std::int64_t i = 0; i < count; ++i)
        y[plane * pixels + begin + i] = Element::store(Element::load(own[i]) / sums[i]);
    }
  }
}

constexpr double kRoots = 0.75;  // the power that square roots give

bool has_roots(const NodeTypes& types) {
  return types.inputs[0].dtype == Dtype::f32 && types.node->real("beta") == kRoots;
}

bool has_no_roots(const NodeTypes& types) { return types.inputs[0].dtype == Dtype::f32 && !has_roots(types); }

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 4096); }

template <class Element>
Kernel kernel(const char* name, bool (*accepts)(const NodeTypes&) = accepts_element<Element>) {
  return {.name = name,
          .op = "LRN",
          .arithmetic = "f32",
          .accepts = accepts,
          .run = run<Element>,
          .serial = serial};
}

}  // namespace

std::span<const Kernel> local_response_normalization_kernels() {
  static const Kernel kKernels[] = {
      kernel<F32Element>("portable.lrn.roots", has_roots),
      kernel<F32Element>("portable.lrn.f32", has_no_roots), kernel<F64Element>("portable.lrn.f64"),
      kernel<F16Element>("portable.lrn.f16"), kernel<Bf16Element>("portable.lrn.bf16")};
  return kKernels;
}

}  // namespace lathe::portable
