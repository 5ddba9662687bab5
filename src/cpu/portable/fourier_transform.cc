// DFT (x [..., 1 or 2], length, axis) and STFT (signal [N, T, 1 or 2], frame step, window, frame length): the
// last dimension holds the real and imaginary parts. Signals are cut, or go on with zeros, to the length. One
// side of the result is its first half; the inverse from one side takes the other as its mirror, and gives
// reals.
#include <algorithm>

#include "cpu/portable/element_number.h"
#include "cpu/portable/float_element.h"
#include "cpu/portable/fourier.h"

namespace lathe::portable {
namespace {

/// The elements of one transform in a tensor whose last dimension holds `parts` numbers.
template <class Element, class Number>
struct Line {
  typename Element::Stored* data;
  std::int64_t stride;  // in elements of `parts` numbers
  std::int64_t parts;
  std::int64_t count;

  Complex<Number> get(std::int64_t i) const {
    if (i >= count) return {0, 0};
    const auto* at = data + i * stride * parts;
    return {static_cast<Number>(Element::load(at[0])),
            parts == 2 ? static_cast<Number>(Element::load(at[1])) : Number{0}};
  }
  void set(std::int64_t i, const Complex<Number>& value) const {
    auto* at = data + i * stride * parts;
    at[0] = Element::store(static_cast<typename Element::Number>(value.real));
    if (parts == 2) at[1] = Element::store(static_cast<typename Element::Number>(value.imaginary));
  }
};

struct Sizes {
  int axis;
  std::int64_t length;
  std::int64_t inner;  // elements between the axis and the parts
  std::int64_t lines;
};

Sizes sizes_of(const KernelCall& call) {
  const TensorArg& x = call.inputs[0];
  const bool mirrored = call.attributes[0].integer != 0 && call.attributes[1].integer != 0;
  const std::int64_t given = is_given(call, 2) ? whole_number(call.inputs[2], 0) : -2;
  Sizes sizes{static_cast<int>(given < 0 ? given + x.rank : given), 0, 1, 1};
  sizes.length = x.dims[sizes.axis];
  if (mirrored) sizes.length = 2 * (sizes.length - 1);
  if (is_given(call, 1)) sizes.length = whole_number(call.inputs[1], 0);
  for (int i = 0; i + 1 < x.rank; ++i) {
    if (i != sizes.axis) sizes.lines *= x.dims[i];
    if (i > sizes.axis) sizes.inner *= x.dims[i];
  }
  return sizes;
}

template <class Element, class Number>
void transform_all(const KernelCall& call) {
  using Stored = typename Element::Stored;
  const TensorArg& x = call.inputs[0];
  const TensorArg& y = call.outputs[0];
  const bool inverse = call.attributes[0].integer != 0;
  const bool mirrored = inverse && call.attributes[1].integer != 0;
  const Sizes sizes = sizes_of(call);
  Fourier<Number> fourier(sizes.length, inverse, call.scratch);
  const auto line_of = [&](const TensorArg& tensor, std::int64_t line) {
    const std::int64_t parts = tensor.dims[tensor.rank - 1];
    const std::int64_t count = tensor.dims[sizes.axis];
    const std::int64_t first = line / sizes.inner * count * sizes.inner + line % sizes.inner;
    return Line<Element, Number>{data_of<Stored>(tensor) + first * parts, sizes.inner, parts, count};
  };
  const auto factor = static_cast<Number>(inverse ? 1 / static_cast<double>(sizes.length) : 1.0);
  const Share share = share_of(call, sizes.lines);
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const auto source = line_of(x, i);
    const auto target = line_of(y, i);
    auto* signal = fourier.signal();
    for (std::int64_t k = 0; k < sizes.length; ++k) {
      const bool mirror = mirrored && k > sizes.length / 2;
      signal[k] = source.get(mirror ? sizes.length - k : k);
      if (mirror) signal[k].imaginary = -signal[k].imaginary;
    }
    fourier.transform();
    signal = fourier.signal();
    for (std::int64_t k = 0; k < target.count; ++k)
      target.set(k, {signal[k].real * factor, signal[k].imaginary * factor});
  }
}

/// Calls the one for x's numbers.
template <KernelFunction real_function, KernelFunction complex_function>
void run(const KernelCall& call) {
  const TensorArg& x = call.inputs[0];
  (x.dims[x.rank - 1] == 1 ? real_function : complex_function)(call);
}

template <class Element, class Number>
void transform_frames(const KernelCall& call) {
  using Stored = typename Element::Stored;
  const TensorArg& x = call.inputs[0];
  const TensorArg& y = call.outputs[0];
  const std::int64_t step = whole_number(call.inputs[1], 0);
  const auto* window = is_given(call, 2) ? data_of<const Stored>(call.inputs[2]) : nullptr;
  std::int64_t length = window == nullptr ? x.dims[1] : call.inputs[2].dims[0];
  if (is_given(call, 3)) length = whole_number(call.inputs[3], 0);
  Fourier<Number> fourier(length, false, call.scratch);
  const std::int64_t parts = x.dims[2];
  const std::int64_t frames = y.dims[1];
  const Share share = share_of(call, y.dims[0] * frames);
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t first = i / frames * x.dims[1] + i % frames * step;
    const Line<Element, Number> source{data_of<Stored>(x) + first * parts, 1, parts, length};
    const Line<Element, Number> target{data_of<Stored>(y) + i * y.dims[2] * 2, 1, 2, y.dims[2]};
    for (std::int64_t k = 0; k < length; ++k) {
      const Number weight = window == nullptr ? Number{1} : static_cast<Number>(Element::load(window[k]));
      const auto value = source.get(k);
      fourier.signal()[k] = {value.real * weight, value.imaginary * weight};
    }
    fourier.transform();
    for (std::int64_t k = 0; k < target.count; ++k) target.set(k, fourier.signal()[k]);
  }
}

/// A length is at most twice a dimension of the result.
std::size_t scratch_bytes(const KernelCall& call) {
  std::int64_t longest = 0;
  for (int i = 0; i + 1 < call.outputs[0].rank; ++i) longest = std::max(longest, call.outputs[0].dims[i]);
  return Fourier<double>::bytes(2 * longest);
}

template <class Element>
void add(std::vector<Kernel>& kernels) {
  using Number = typename Element::Number;
  const auto row = [&](const std::string& name, std::string_view op, KernelFunction function) {
    kernels.push_back({.name = "portable." + name + "." + std::string(info(Element::kDtype).name),
                       .op = op,
                       .arithmetic = "f32",
                       .accepts = accepts_element<Element>,
                       .run = function,
                       .scratch_bytes = scratch_bytes});
  };
  row("dft", "DFT", run<transform_all<Element, double>, transform_all<Element, Number>>);
  row("stft", "STFT", run<transform_frames<Element, double>, transform_frames<Element, Number>>);
}

}  // namespace

std::span<const Kernel> fourier_transform_kernels() {
  static const std::vector<Kernel> kKernels = [] {
    std::vector<Kernel> kernels;
    add<F32Element>(kernels);
    add<F64Element>(kernels);
    add<F16Element>(kernels);
    add<Bf16Element>(kernels);
    return kernels;
  }();
  return kKernels;
}

}  // namespace lathe::portable
