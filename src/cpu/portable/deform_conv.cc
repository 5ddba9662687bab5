// DeformConv (x [N, C, height, width], weight [M, C / group, kernel], offset, bias, mask) of any float type:
// each element of a window is taken from where its offset shifts it, interpolated between four pixels, zeros
// around the image, and multiplied with its mask. Sums are double, channels and then kernel elements.
#include <cmath>

#include "cpu/portable/float_element.h"
#include "cpu/portable/window_walk.h"

namespace lathe::portable {
namespace {

/// Between the four pixels around; zero outside.
template <class Element>
double sample(const typename Element::Stored* plane, const WindowAxis& rows, const WindowAxis& columns,
              double y, double x) {
  if (!(y > -1 && x > -1 && y < static_cast<double>(rows.input) && x < static_cast<double>(columns.input)))
    return 0;
  const auto top = static_cast<std::int64_t>(std::floor(y));
  const auto left = static_cast<std::int64_t>(std::floor(x));
  const double down = y - static_cast<double>(top);
  const double right = x - static_cast<double>(left);
  const auto pixel = [&](std::int64_t row, std::int64_t column) {
    const bool inside = row >= 0 && row < rows.input && column >= 0 && column < columns.input;
    return inside ? static_cast<double>(Element::load(plane[row * columns.input + column])) : 0.0;
  };
  return (1 - down) * ((1 - right) * pixel(top, left) + right * pixel(top, left + 1)) +
         down * ((1 - right) * pixel(top + 1, left) + right * pixel(top + 1, left + 1));
}

template <class Element>
void run(const KernelCall& call) {
  using Stored = typename Element::Stored;
  const TensorArg& input = call.inputs[0];
  const TensorArg& weight = call.inputs[1];
  const Windows windows({"", call.attributes[0].text, call.attributes[4].text, call.attributes[5].text},
                        input, weight.dims + 2, false);
  const auto given = [&](int index) {
    return call.input_count > index && call.inputs[index].dtype != static_cast<std::int32_t>(Dtype::none)
               ? data_of<const Stored>(call.inputs[index])
               : nullptr;
  };
  const auto* bias = given(3);
  const auto* mask = given(4);
  const auto* offset = data_of<const Stored>(call.inputs[2]);
  const WindowAxis& rows = windows.axis(0);
  const WindowAxis& columns = windows.axis(1);
  const std::int64_t outputs = weight.dims[0];
  const std::int64_t channels = weight.dims[1];
  const std::int64_t group_outputs = outputs / call.attributes[1].integer;
  const std::int64_t offset_groups = call.attributes[3].integer;
  const std::int64_t offset_channels = input.dims[1] / offset_groups;
  const std::int64_t kernel = windows.kernel_size();
  const std::int64_t pixels = windows.pixels();
  auto* y = data_of<Stored>(call.outputs[0]);
  const Share share = share_of(call, element_count(call.outputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t pixel = i % pixels;
    const std::int64_t row = i / pixels % outputs;
    const std::int64_t image = i / pixels / outputs;
    const auto top = static_cast<double>(first_input(rows, pixel / columns.output));
    const auto left = static_cast<double>(first_input(columns, pixel % columns.output));
    double sum = bias == nullptr ? 0.0 : static_cast<double>(Element::load(bias[row]));
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int64_t channel = row / group_outputs * channels + c;
      const auto* plane =
          data_of<const Stored>(input) + (image * input.dims[1] + channel) * windows.input_pixels();
      const std::int64_t first = (image * offset_groups + channel / offset_channels) * kernel;
      for (std::int64_t k = 0; k < kernel; ++k) {
        const auto* shift = offset + (first + k) * 2 * pixels + pixel;
        const double down = top + static_cast<double>(k / columns.kernel * rows.dilation) +
                            static_cast<double>(Element::load(shift[0]));
        const double right = left + static_cast<double>(k % columns.kernel * columns.dilation) +
                             static_cast<double>(Element::load(shift[pixels]));
        const double factor =
            static_cast<double>(
                Element::load(data_of<const Stored>(weight)[(row * channels + c) * kernel + k])) *
            (mask == nullptr ? 1.0 : static_cast<double>(Element::load(mask[(first + k) * pixels + pixel])));
        sum += factor * sample<Element>(plane, rows, columns, down, right);
      }
    }
    y[i] = Element::store(static_cast<typename Element::Number>(sum));
  }
}

template <class Element>
Kernel kernel(const char* name) {
  return {.name = name,
          .op = "DeformConv",
          .arithmetic = "f32",
          .accepts = accepts_element<Element>,
          .run = run<Element>};
}

}  // namespace

std::span<const Kernel> deform_conv_kernels() {
  static const Kernel kKernels[] = {
      kernel<F32Element>("portable.deform_conv.f32"), kernel<F64Element>("portable.deform_conv.f64"),
      kernel<F16Element>("portable.deform_conv.f16"), kernel<Bf16Element>("portable.deform_conv.bf16")};
  return kKernels;
}

}  // namespace lathe::portable
