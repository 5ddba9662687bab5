// Col2Im (x [N, C * elements of a block, blocks], image shape, block shape): blocks added up where they lie
// in the image [N, C, image...].
#include "cpu/portable/float_element.h"
#include "cpu/portable/transposed_walk.h"

namespace lathe::portable {
namespace {

template <class Integer, Dtype dtype>
struct IntegerElement {
  using Stored = Integer;
  using Number = std::make_unsigned_t<Integer>;  // wraps
  static constexpr Dtype kDtype = dtype;
  static Number load(Stored x) { return static_cast<Number>(x); }
  static Stored store(Number x) { return static_cast<Stored>(x); }
};

TransposedWindows windows_of(const KernelCall& call) {
  const TensorArg& output = call.outputs[0];
  const WindowNumbers dilations = window_numbers(call.attributes[0].text);
  const WindowNumbers pads = window_numbers(call.attributes[1].text);
  const WindowNumbers strides = window_numbers(call.attributes[2].text);
  const auto* block = data_of<const std::int64_t>(call.inputs[2]);
  TransposedWindows windows;
  windows.axes = output.rank - 2;
  for (int i = 0; i < windows.axes; ++i) {
    WindowAxis blocks{output.dims[2 + i],
                      block[i],
                      number_at(strides, i, 1),
                      number_at(dilations, i, 1),
                      number_at(pads, i, 0),
                      number_at(pads, i + windows.axes, 0),
                      0};
    resolve_window(blocks, AutoPad::given, false);
    std::swap(blocks.input, blocks.output);
    windows.axis[i] = blocks;
  }
  return windows;
}

template <class Element>
void run(const KernelCall& call) {
  using Stored = typename Element::Stored;
  const TransposedWindows windows = windows_of(call);
  const std::int64_t pixels = windows.pixels();
  const std::int64_t blocks = windows.input_pixels();
  const std::int64_t elements = windows.kernel_size();
  auto* y = data_of<Stored>(call.outputs[0]);
  const Share share = share_of(call, element_count(call.outputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const auto* x = data_of<const Stored>(call.inputs[0]) + i / pixels * elements * blocks;
    typename Element::Number sum{0};
    windows.for_each_source(
        i % pixels, [&](std::int64_t block, std::int64_t k) { sum += Element::load(x[k * blocks + block]); });
    y[i] = Element::store(sum);
  }
}

template <class Element>
Kernel kernel(const char* name) {
  return {.name = name,
          .op = "Col2Im",
          .arithmetic = "f32",
          .accepts = accepts_element<Element>,
          .run = run<Element>};
}

}  // namespace

std::span<const Kernel> col2im_kernels() {
  static const Kernel kKernels[] = {
      kernel<F32Element>("portable.col2im.f32"),
      kernel<F64Element>("portable.col2im.f64"),
      kernel<F16Element>("portable.col2im.f16"),
      kernel<Bf16Element>("portable.col2im.bf16"),
      kernel<IntegerElement<std::int32_t, Dtype::i32>>("portable.col2im.i32"),
      kernel<IntegerElement<std::int64_t, Dtype::i64>>("portable.col2im.i64"),
  };
  return kKernels;
}

}  // namespace lathe::portable
