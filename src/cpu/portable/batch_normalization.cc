// BatchNormalization (x [N, C, ...], scale, bias, mean and variance [C]): (x - mean) * factor + bias, with
// the factor scale / sqrt(variance + epsilon) rounded once. BatchNormalizationTraining takes mean and
// variance from x, in double, and gives the running ones too: old * momentum + own * (1 - momentum).
#include <cmath>

#include "cpu/portable/channel_numbers.h"
#include "cpu/portable/float_element.h"

namespace lathe::portable {
namespace {

struct Planes {
  std::int64_t images;
  std::int64_t channels;
  std::int64_t size;
};

Planes planes_of(const TensorArg& x) {
  Planes planes{x.dims[0], x.dims[1], 1};
  for (int i = 2; i < x.rank; ++i) planes.size *= x.dims[i];
  return planes;
}

template <class Element>
void normalize(const typename Element::Stored* x, std::int64_t count, double mean, double factor, double bias,
               typename Element::Stored* y) {
  using Number = typename Element::Number;
  const auto center = static_cast<Number>(mean);
  const auto slope = static_cast<Number>(factor);
  const auto offset = static_cast<Number>(bias);
  for (std::int64_t i = 0; i < count; ++i)
    y[i] = Element::store((Element::load(x[i]) - center) * slope + offset);
}

double factor_of(const KernelCall& call, std::int64_t channel, double variance) {
  return channel_number(call.inputs[1], channel) / std::sqrt(variance + call.attributes[0].real);
}

template <class Element>
void run(const KernelCall& call) {
  const Planes planes = planes_of(call.inputs[0]);
  const auto* x = data_of<const typename Element::Stored>(call.inputs[0]);
  auto* y = data_of<typename Element::Stored>(call.outputs[0]);
  const Share share = share_of(call, planes.images * planes.channels);
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t channel = i % planes.channels;
    normalize<Element>(x + i * planes.size, planes.size, channel_number(call.inputs[3], channel),
                       factor_of(call, channel, channel_number(call.inputs[4], channel)),
                       channel_number(call.inputs[2], channel), y + i * planes.size);
  }
}

template <class Element>
void run_training(const KernelCall& call) {
  using Stored = typename Element::Stored;
  const Planes planes = planes_of(call.inputs[0]);
  const double momentum = call.attributes[1].real;
  const auto* x = data_of<const Stored>(call.inputs[0]);
  auto* y = data_of<Stored>(call.outputs[0]);
  const Share share = share_of(call, planes.channels);
  for (std::int64_t channel = share.begin; channel < share.end; ++channel) {
    const auto sum = [&](auto value) {
      double total = 0;
      for (std::int64_t image = 0; image < planes.images; ++image)
        for (std::int64_t i = 0; i < planes.size; ++i)
          total += value(
              static_cast<double>(Element::load(x[(image * planes.channels + channel) * planes.size + i])));
      return total / static_cast<double>(planes.images * planes.size);
    };
    const double mean = sum([](double value) { return value; });
    const double variance = sum([mean](double value) { return (value - mean) * (value - mean); });
    for (std::int64_t image = 0; image < planes.images; ++image) {
      const std::int64_t plane = (image * planes.channels + channel) * planes.size;
      normalize<Element>(x + plane, planes.size, mean, factor_of(call, channel, variance),
                         channel_number(call.inputs[2], channel), y + plane);
    }
    const auto running = [&](const TensorArg& old, double own) {
      return channel_number(old, channel) * momentum + own * (1 - momentum);
    };
    set_channel_number(call.outputs[1], channel, running(call.inputs[3], mean));
    set_channel_number(call.outputs[2], channel, running(call.inputs[4], variance));
  }
}

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 8192); }

template <class Element>
Kernel kernel(const char* name, std::string_view op, KernelFunction function) {
  return {.name = name,
          .op = op,
          .arithmetic = "f32",
          .accepts = accepts_element<Element>,
          .run = function,
          .serial = serial,
          .in_place_input = 0};
}

}  // namespace

std::span<const Kernel> batch_normalization_kernels() {
  constexpr std::string_view kInference = "BatchNormalization";
  constexpr std::string_view kTraining = "BatchNormalizationTraining";
  static const Kernel kKernels[] = {
      kernel<F32Element>("portable.batch_normalization.f32", kInference, run<F32Element>),
      kernel<F64Element>("portable.batch_normalization.f64", kInference, run<F64Element>),
      kernel<F16Element>("portable.batch_normalization.f16", kInference, run<F16Element>),
      kernel<Bf16Element>("portable.batch_normalization.bf16", kInference, run<Bf16Element>),
      kernel<F32Element>("portable.batch_normalization_training.f32", kTraining, run_training<F32Element>),
      kernel<F64Element>("portable.batch_normalization_training.f64", kTraining, run_training<F64Element>),
      kernel<F16Element>("portable.batch_normalization_training.f16", kTraining, run_training<F16Element>),
      kernel<Bf16Element>("portable.batch_normalization_training.bf16", kTraining, run_training<Bf16Element>),
  };
  return kKernels;
}

}  // namespace lathe::portable
