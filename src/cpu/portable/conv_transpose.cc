// ConvTranspose (x [N, C, spatial...], weight [C, M / group, kernel...], bias [M]) of any float type, one
// output after the other: from the bias on, kernel elements and then channels in ascending order.
#include "cpu/portable/float_element.h"
#include "cpu/portable/transposed_walk.h"

namespace lathe::portable {
namespace {

template <class Element>
void run(const KernelCall& call) {
  using Stored = typename Element::Stored;
  using Number = typename Element::Number;
  const TensorArg& input = call.inputs[0];
  const TensorArg& weight = call.inputs[1];
  const TransposedTexts texts{call.attributes[0].text, call.attributes[1].text, call.attributes[4].text,
                              call.attributes[5].text, call.attributes[6].text, call.attributes[7].text};
  TransposedWindows windows;
  windows.axes = input.rank - 2;
  for (int i = 0; i < windows.axes; ++i)
    windows.axis[i] = transposed_window(texts, windows.axes, i, input.dims[2 + i], weight.dims[2 + i]);
  const std::int64_t groups = call.attributes[2].integer;
  const std::int64_t rows = weight.dims[1];
  const std::int64_t channels = weight.dims[0] / groups;
  const std::int64_t kernel = windows.kernel_size();
  const std::int64_t pixels = windows.pixels();
  const std::int64_t input_pixels = windows.input_pixels();
  const auto* bias = call.input_count > 2 ? data_of<const Stored>(call.inputs[2]) : nullptr;
  auto* y = data_of<Stored>(call.outputs[0]);
  const Share share = share_of(call, element_count(call.outputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t row = i / pixels % (rows * groups);
    const std::int64_t group = row / rows;
    const std::int64_t first_channel = (i / pixels / (rows * groups) * groups + group) * channels;
    const auto* x = data_of<const Stored>(input) + first_channel * input_pixels;
    const auto* w = data_of<const Stored>(weight) + (group * channels * rows + row % rows) * kernel;
    Number sum = bias == nullptr ? Number{0} : Element::load(bias[row]);
    windows.for_each_source(i % pixels, [&](std::int64_t at, std::int64_t k) {
      for (std::int64_t c = 0; c < channels; ++c)
        sum += Element::load(x[c * input_pixels + at]) * Element::load(w[c * rows * kernel + k]);
    });
    y[i] = Element::store(sum);
  }
}

template <class Element>
Kernel kernel(const char* name) {
  return {.name = name,
          .op = "ConvTranspose",
          .arithmetic = "f32",
          .accepts = accepts_element<Element>,
          .run = run<Element>};
}

}  // namespace

std::span<const Kernel> conv_transpose_kernels() {
  static const Kernel kKernels[] = {
      kernel<F32Element>("portable.conv_transpose.f32"), kernel<F64Element>("portable.conv_transpose.f64"),
      kernel<F16Element>("portable.conv_transpose.f16"), kernel<Bf16Element>("portable.conv_transpose.bf16")};
  return kKernels;
}

}  // namespace lathe::portable
