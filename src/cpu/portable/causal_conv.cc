// CausalConvWithState (x [N, C, T], weight [C, 1, K], bias [C], past state [N, C, K - 1]): each channel's
// numbers, behind those of the past or zeros, under its kernel, and x * sigmoid(x) of that where the
// activation is silu or swish. The last K - 1 numbers are the next state. Sums are float32 in ascending
// order.
#include <cmath>

#include "cpu/portable/element_number.h"
#include "cpu/portable/float_element.h"

namespace lathe::portable {
namespace {

template <class Element>
void run(const KernelCall& call) {
  using Stored = typename Element::Stored;
  const TensorArg& x = call.inputs[0];
  const std::int64_t length = x.dims[2];
  const std::int64_t kernel = call.inputs[1].dims[2];
  const bool activates = !has_text(call.attributes[0], "none");
  const auto* bias = is_given(call, 2) ? data_of<const Stored>(call.inputs[2]) : nullptr;
  const auto* past = is_given(call, 3) ? data_of<const Stored>(call.inputs[3]) : nullptr;
  const Share share = share_of(call, x.dims[0] * x.dims[1]);
  for (std::int64_t line = share.begin; line < share.end; ++line) {
    const std::int64_t channel = line % x.dims[1];
    const auto* own = data_of<const Stored>(x) + line * length;
    const auto* weight = data_of<const Stored>(call.inputs[1]) + channel * kernel;
    const auto at = [&](std::int64_t i) {  // from the past on
      if (i >= kernel - 1) return own[i - kernel + 1];
      return past == nullptr ? Element::store(0) : past[line * (kernel - 1) + i];
    };
    for (std::int64_t t = 0; t < length; ++t) {
      float sum = bias == nullptr ? 0.0f : Element::load(bias[channel]);
      for (std::int64_t k = 0; k < kernel; ++k) sum += Element::load(at(t + k)) * Element::load(weight[k]);
      if (activates) sum /= 1.0f + std::exp(-sum);
      data_of<Stored>(call.outputs[0])[line * length + t] = Element::store(sum);
    }
    for (std::int64_t i = 0; i + 1 < kernel; ++i)
      data_of<Stored>(call.outputs[1])[line * (kernel - 1) + i] = at(length + i);
  }
}

template <class Element>
Kernel kernel(const char* name) {
  return {.name = name,
          .op = "CausalConvWithState",
          .arithmetic = "f32",
          .accepts = accepts_element<Element>,
          .run = run<Element>};
}

}  // namespace

std::span<const Kernel> causal_conv_kernels() {
  static const Kernel kKernels[] = {kernel<F32Element>("portable.causal_conv.f32"),
                                    kernel<F16Element>("portable.causal_conv.f16"),
                                    kernel<Bf16Element>("portable.causal_conv.bf16")};
  return kKernels;
}

}  // namespace lathe::portable
