// RoiAlign (x [N, C, height, width], rois [R, 4], batch indices [R]): each region cut into cells, each cell
// the mean of samples between pixels, or the greatest of the samples' weighted pixels. In double.
#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu/portable/element_number.h"
#include "cpu/portable/float_element.h"

namespace lathe::portable {
namespace {

/// A region along one axis.
struct Span {
  double start;
  double cell;
  std::int64_t samples;  // of a cell
  std::int64_t size;     // of the image
};

Span span_of(double begin, double end, bool half_pixel, std::int64_t cells, std::int64_t samples,
             std::int64_t size, std::int32_t* fault) {
  constexpr double kMostSamples = 1 << 16;
  const double offset = half_pixel ? 0.5 : 0;
  double length = end - begin;
  if (!half_pixel) length = std::max(length, 1.0);
  Span span{begin - offset, length / static_cast<double>(cells), samples, size};
  if (samples > 0) return span;
  const double wanted = std::ceil(span.cell);
  if (!(wanted <= kMostSamples) && fault != nullptr) *fault = 1;
  span.samples = wanted >= 1 && wanted <= kMostSamples ? static_cast<std::int64_t>(wanted) : 0;
  return span;
}

/// Two pixels and how much the second counts; outside: nothing counts.
struct Between {
  std::int64_t low;
  std::int64_t high;
  double part;
  bool outside;
};

Between between(const Span& span, std::int64_t cell, std::int64_t sample) {
  double x = span.start + static_cast<double>(cell) * span.cell +
             (static_cast<double>(sample) + 0.5) * span.cell / static_cast<double>(span.samples);
  if (!(x >= -1 && x <= static_cast<double>(span.size))) return {0, 0, 0, true};
  x = std::max(x, 0.0);
  const auto low = static_cast<std::int64_t>(x);
  if (low >= span.size - 1) return {span.size - 1, span.size - 1, 0, false};
  return {low, low + 1, x - static_cast<double>(low), false};
}

template <class Element>
double pool_cell(const typename Element::Stored* plane, const Span& rows, const Span& columns,
                 std::int64_t row, std::int64_t column, bool is_mean) {
  double sum = 0;
  double greatest = -std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < rows.samples; ++i) {
    const Between y = between(rows, row, i);
    for (std::int64_t k = 0; k < columns.samples; ++k) {
      const Between x = between(columns, column, k);
      const auto part = [&](std::int64_t line, std::int64_t pixel, double weight) {
        const bool outside = y.outside || x.outside;
        return outside ? 0.0
                       : weight * static_cast<double>(Element::load(plane[line * columns.size + pixel]));
      };
      const double parts[] = {
          part(y.low, x.low, (1 - y.part) * (1 - x.part)), part(y.low, x.high, (1 - y.part) * x.part),
          part(y.high, x.low, y.part * (1 - x.part)), part(y.high, x.high, y.part * x.part)};
      sum += parts[0] + parts[1] + parts[2] + parts[3];
      greatest = std::max({greatest, parts[0], parts[1], parts[2], parts[3]});
    }
  }
  const std::int64_t count = rows.samples * columns.samples;
  if (is_mean) return sum / static_cast<double>(std::max<std::int64_t>(count, 1));
  return count == 0 ? 0 : greatest;
}

template <class Element>
void run(const KernelCall& call) {
  const TensorArg& input = call.inputs[0];
  const TensorArg& output = call.outputs[0];
  const bool half_pixel = has_text(call.attributes[0], "half_pixel");
  const bool is_mean = has_text(call.attributes[1], "avg");
  const std::int64_t samples = call.attributes[4].integer;
  const double scale = call.attributes[5].real;
  const std::int64_t channels = input.dims[1];
  const std::int64_t cells = output.dims[2] * output.dims[3];
  const auto* indices = data_of<const std::int64_t>(call.inputs[2]);
  auto* y = data_of<typename Element::Stored>(output);
  const Share share = share_of(call, output.dims[0] * channels);
  for (std::int64_t item = share.begin; item < share.end; ++item) {
    const std::int64_t roi = item / channels;
    std::int64_t image = indices[roi];
    if (image < 0 || image >= input.dims[0]) {
      if (call.fault != nullptr) *call.fault = 1;
      std::fill_n(y + item * cells, cells, Element::store(0));
      continue;
    }
    const auto corner = [&](std::int64_t i) { return channel_number(call.inputs[1], roi * 4 + i) * scale; };
    const Span rows =
        span_of(corner(1), corner(3), half_pixel, output.dims[2], samples, input.dims[2], call.fault);
    const Span columns =
        span_of(corner(0), corner(2), half_pixel, output.dims[3], samples, input.dims[3], call.fault);
    const auto* plane = data_of<const typename Element::Stored>(input) +
                        (image * channels + item % channels) * input.dims[2] * input.dims[3];
    for (std::int64_t cell = 0; cell < cells; ++cell)
      y[item * cells + cell] = Element::store(static_cast<typename Element::Number>(
          pool_cell<Element>(plane, rows, columns, cell / output.dims[3], cell % output.dims[3], is_mean)));
  }
}

template <class Element>
Kernel kernel(const char* name) {
  return {.name = name,
          .op = "RoiAlign",
          .arithmetic = "f32",
          .accepts = accepts_element<Element>,
          .run = run<Element>};
}

}  // namespace

std::span<const Kernel> roi_align_kernels() {
  static const Kernel kKernels[] = {
      kernel<F32Element>("portable.roi_align.f32"), kernel<F64Element>("portable.roi_align.f64"),
      kernel<F16Element>("portable.roi_align.f16"), kernel<Bf16Element>("portable.roi_align.bf16")};
  return kKernels;
}

}  // namespace lathe::portable
