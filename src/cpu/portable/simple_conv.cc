// Conv in double, and in float16 and bfloat16, whose sums are float32: one output after the other.
#include "cpu/portable/float_element.h"
#include "cpu/portable/window_walk.h"

namespace lathe::portable {
namespace {

template <class Element>
void run(const KernelCall& call) {
  using Stored = typename Element::Stored;
  using Number = typename Element::Number;
  const TensorArg& weight = call.inputs[1];
  const TensorArg& output = call.outputs[0];
  const Windows windows(
      {call.attributes[0].text, call.attributes[1].text, call.attributes[4].text, call.attributes[5].text},
      call.inputs[0], weight.dims + 2, false);
  const std::int64_t rows = weight.dims[0];
  const std::int64_t group_rows = rows / call.attributes[2].integer;
  const std::int64_t channels = weight.dims[1];
  const std::int64_t kernel = windows.kernel_size();
  const auto* x = data_of<const Stored>(call.inputs[0]);
  const auto* w = data_of<const Stored>(weight);
  const auto* bias = call.input_count > 2 ? data_of<const Stored>(call.inputs[2]) : nullptr;
  auto* y = data_of<Stored>(output);
  const Share share = share_of(call, element_count(output));
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t pixel = i % windows.pixels();
    const std::int64_t row = i / windows.pixels() % rows;
    const std::int64_t image = i / windows.pixels() / rows;
    const std::int64_t first_channel = (image * (rows / group_rows) + row / group_rows) * channels;
    Number sum = bias == nullptr ? Number{0} : Element::load(bias[row]);
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto* plane = x + (first_channel + c) * windows.input_pixels();
      const auto* factors = w + (row * channels + c) * kernel;
      windows.for_each_inside(pixel, [&](std::int64_t at, std::int64_t k) {
        sum += Element::load(plane[at]) * Element::load(factors[k]);
      });
    }
    y[i] = Element::store(sum);
  }
}

template <class Element>
Kernel kernel(const char* name) {
  return {.name = name,
          .op = "Conv",
          .arithmetic = "f32",
          .accepts = accepts_element<Element>,
          .run = run<Element>};
}

}  // namespace

std::span<const Kernel> simple_conv_kernels() {
  static const Kernel kKernels[] = {kernel<F64Element>("portable.conv.f64"),
                                    kernel<F16Element>("portable.conv.f16"),
                                    kernel<Bf16Element>("portable.conv.bf16")};
  return kKernels;
}

}  // namespace lathe::portable
