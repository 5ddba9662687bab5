// InstanceNormalization and GroupNormalization (x [N, C, spatial...], scale, bias): each group of channels of
// an image by its own mean and variance, in double; each channel by its scale and bias. An instance is a
// group of one channel. Before opset 21 a group had one scale and bias.
#include <cmath>

#include "cpu/portable/channel_numbers.h"
#include "cpu/portable/float_element.h"

namespace lathe::portable {
namespace {

template <class Element>
void normalize_groups(const KernelCall& call, std::int64_t groups, bool scale_by_group) {
  using Number = typename Element::Number;
  const TensorArg& input = call.inputs[0];
  const double epsilon = call.attributes[0].real;
  const std::int64_t channels = input.dims[1] / groups;
  std::int64_t pixels = 1;
  for (int i = 2; i < input.rank; ++i) pixels *= input.dims[i];
  const std::int64_t count = channels * pixels;
  const Share share = share_of(call, input.dims[0] * groups);
  for (std::int64_t item = share.begin; item < share.end; ++item) {
    const auto* x = data_of<const typename Element::Stored>(input) + item * count;
    auto* y = data_of<typename Element::Stored>(call.outputs[0]) + item * count;
    double mean = 0;
    for (std::int64_t i = 0; i < count; ++i) mean += static_cast<double>(Element::load(x[i]));
    mean /= static_cast<double>(count);
    double variance = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const double distance = static_cast<double>(Element::load(x[i])) - mean;
      variance += distance * distance;
    }
    const double factor = 1 / std::sqrt(variance / static_cast<double>(count) + epsilon);
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int64_t group = item % groups;
      const std::int64_t index = scale_by_group ? group : group * channels + c;
      const double slope = factor * channel_number(call.inputs[1], index);
      const double offset = channel_number(call.inputs[2], index);
      for (std::int64_t i = c * pixels; i < (c + 1) * pixels; ++i)
        y[i] = Element::store(
            static_cast<Number>((static_cast<double>(Element::load(x[i])) - mean) * slope + offset));
    }
  }
}

template <class Element>
void run_instances(const KernelCall& call) {
  if (call.inputs[0].dims[1] > 0) normalize_groups<Element>(call, call.inputs[0].dims[1], false);
}

template <class Element>
void run_groups(const KernelCall& call) {
  normalize_groups<Element>(call, call.attributes[1].integer, call.attributes[2].integer != 0);
}

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 4096); }

template <class Element>
Kernel kernel(const char* name, std::string_view op, KernelFunction function) {
  return {.name = name,
          .op = op,
          .arithmetic = "f32",
          .accepts = accepts_element<Element>,
          .run = function,
          .serial = serial};
}

}  // namespace

std::span<const Kernel> group_normalization_kernels() {
  constexpr std::string_view kInstance = "InstanceNormalization";
  constexpr std::string_view kGroup = "GroupNormalization";
  static const Kernel kKernels[] = {
      kernel<F32Element>("portable.instance_normalization.f32", kInstance, run_instances<F32Element>),
      kernel<F64Element>("portable.instance_normalization.f64", kInstance, run_instances<F64Element>),
      kernel<F16Element>("portable.instance_normalization.f16", kInstance, run_instances<F16Element>),
      kernel<Bf16Element>("portable.instance_normalization.bf16", kInstance, run_instances<Bf16Element>),
      kernel<F32Element>("portable.group_normalization.f32", kGroup, run_groups<F32Element>),
      kernel<F64Element>("portable.group_normalization.f64", kGroup, run_groups<F64Element>),
      kernel<F16Element>("portable.group_normalization.f16", kGroup, run_groups<F16Element>),
      kernel<Bf16Element>("portable.group_normalization.bf16", kGroup, run_groups<Bf16Element>),
  };
  return kKernels;
}

}  // namespace lathe::portable
