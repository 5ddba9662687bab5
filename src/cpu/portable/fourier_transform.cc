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
template <class Element>
struct Line {
  typename Element::Stored* data;
  std::int64_t stride;  // in elements of `parts` numbers
  std::int64_t parts;
  std::int64_t count;

  Complex get(std::int64_t i) const {
    if (i >= count) return {0, 0};
    const auto* at = data + i * stride * parts;
    return {static_cast<double>(Element::load(at[0])),
            parts == 2 ? static_cast<double>(Element::load(at[1])) : 0.0};
  }
  void set(std::int64_t i, const Complex& value) const {
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

template <class Element>
void run(const KernelCall& call) {
  using Stored = typename Element::Stored;
  const TensorArg& x = call.inputs[0];
  const TensorArg& y = call.outputs[0];
  const bool inverse = call.attributes[0].integer != 0;
  const bool mirrored = inverse && call.attributes[1].integer != 0;
  const Sizes sizes = sizes_of(call);
  Fourier fourier(sizes.length, inverse, call.scratch);
  const auto line_of = [&](const TensorArg& tensor, std::int64_t line) {
    const std::int64_t parts = tensor.dims[tensor.rank - 1];
    const std::int64_t count = tensor.dims[sizes.axis];
    const std::int64_t first = line / sizes.inner * count * sizes.inner + line % sizes.inner;
    return Line<Element>{data_of<Stored>(tensor) + first * parts, sizes.inner, parts, count};
  };
  const double factor = inverse ? 1 / static_cast<double>(sizes.length) : 1;
  const Share share = share_of(call, sizes.lines);
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const auto source = line_of(x, i);
    const auto target = line_of(y, i);
    Complex* signal = fourier.signal();
    for (std::int64_t k = 0; k < sizes.length; ++k) {
      const bool mirror = mirrored && k > sizes.length / 2;
      signal[k] = source.get(mirror ? sizes.length - k : k);
      if (mirror) signal[k].imaginary = -signal[k].imaginary;
    }
    fourier.transform();
    for (std::int64_t k = 0; k < target.count; ++k)
      target.set(k, {signal[k].real * factor, signal[k].imaginary * factor});
  }
}

template <class Element>
void run_short_time(const KernelCall& call) {
  using Stored = typename Element::Stored;
  const TensorArg& x = call.inputs[0];
  const TensorArg& y = call.outputs[0];
  const std::int64_t step = whole_number(call.inputs[1], 0);
  const auto* window = is_given(call, 2) ? data_of<const Stored>(call.inputs[2]) : nullptr;
  std::int64_t length = window == nullptr ? x.dims[1] : call.inputs[2].dims[0];
  if (is_given(call, 3)) length = whole_number(call.inputs[3], 0);
  Fourier fourier(length, false, call.scratch);
  const std::int64_t parts = x.dims[2];
  const std::int64_t frames = y.dims[1];
  const Share share = share_of(call, y.dims[0] * frames);
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t first = i / frames * x.dims[1] + i % frames * step;
    const Line<Element> source{data_of<Stored>(x) + first * parts, 1, parts, length};
    const Line<Element> target{data_of<Stored>(y) + i * y.dims[2] * 2, 1, 2, y.dims[2]};
    for (std::int64_t k = 0; k < length; ++k) {
      const double weight = window == nullptr ? 1.0 : static_cast<double>(Element::load(window[k]));
      const Complex value = source.get(k);
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
  return Fourier::bytes(2 * longest);
}

template <class Element>
Kernel kernel(const char* name, std::string_view op, KernelFunction function) {
  return {.name = name,
          .op = op,
          .arithmetic = "f32",
          .accepts = accepts_element<Element>,
          .run = function,
          .scratch_bytes = scratch_bytes};
}

}  // namespace

std::span<const Kernel> fourier_transform_kernels() {
  static const Kernel kKernels[] = {
      kernel<F32Element>("portable.dft.f32", "DFT", run<F32Element>),
      kernel<F64Element>("portable.dft.f64", "DFT", run<F64Element>),
      kernel<F16Element>("portable.dft.f16", "DFT", run<F16Element>),
      kernel<Bf16Element>("portable.dft.bf16", "DFT", run<Bf16Element>),
      kernel<F32Element>("portable.stft.f32", "STFT", run_short_time<F32Element>),
      kernel<F64Element>("portable.stft.f64", "STFT", run_short_time<F64Element>),
      kernel<F16Element>("portable.stft.f16", "STFT", run_short_time<F16Element>),
      kernel<Bf16Element>("portable.stft.bf16", "STFT", run_short_time<Bf16Element>),
  };
  return kKernels;
}

}  // namespace lathe::portable
