// GridSample (x [N, C, spatial...], grid [N, spatial of the output..., axes]) of any float type and number of
// axes: the grid's numbers name places between -1 and 1, the last axis first. Places are computed in the
// grid's type, sums in double.
#include <algorithm>
#include <array>
#include <cmath>

#include "cpu/portable/element_number.h"
#include "cpu/portable/float_element.h"

namespace lathe::portable {
namespace {

enum class Mode : std::uint8_t { linear, nearest, cubic };
enum class Padding : std::uint8_t { zeros, border, reflection };

struct Axis {
  std::int64_t size;
  std::int64_t stride;
  double least;  // where the image ends
  double most;
};

struct Sampler {
  Mode mode;
  Padding padding;
  int rank;
  std::array<Axis, kMaxRank> axes;
};

Sampler sampler_of(const KernelCall& call) {
  const TensorArg& x = call.inputs[0];
  const bool align_corners = call.attributes[0].integer != 0;
  Sampler sampler{Mode::linear, Padding::zeros, x.rank - 2, {}};
  if (has_text(call.attributes[1], "nearest")) sampler.mode = Mode::nearest;
  if (has_text(call.attributes[1], "cubic")) sampler.mode = Mode::cubic;
  if (has_text(call.attributes[2], "border")) sampler.padding = Padding::border;
  if (has_text(call.attributes[2], "reflection")) sampler.padding = Padding::reflection;
  std::int64_t stride = 1;
  for (int i = sampler.rank - 1; i >= 0; --i) {
    const std::int64_t size = x.dims[2 + i];
    const double margin = align_corners ? 0 : 0.5;
    sampler.axes[static_cast<std::size_t>(i)] = {size, stride, -margin,
                                                 static_cast<double>(size - 1) + margin};
    stride *= size;
  }
  return sampler;
}

double reflected(double x, const Axis& axis) {
  const double extent = axis.most - axis.least;
  if (extent <= 0) return axis.least;
  if (x >= axis.least && x <= axis.most) return x;
  const double distance = x < axis.least ? axis.least - x : x - axis.most;
  const double turns = std::floor(distance / extent);
  const double rest = distance - turns * extent;
  const bool from_least = (std::fmod(turns, 2) == 0) == (x < axis.least);
  return from_least ? axis.least + rest : axis.most - rest;
}

/// The index that stands for one that may lie outside; -1: zero.
std::int64_t padded(std::int64_t index, const Axis& axis, Padding padding) {
  if (index >= 0 && index < axis.size) return index;
  if (padding == Padding::zeros) return -1;
  if (padding == Padding::border) return std::clamp<std::int64_t>(index, 0, axis.size - 1);
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(reflected(static_cast<double>(index), axis)), 0,
                                  axis.size - 1);
}

template <class Number>
double denormalized(Number x, const Axis& axis) {
  const auto size = static_cast<Number>(axis.size);
  if (axis.least == 0) return static_cast<double>((x + 1) / 2 * (size - 1));
  return static_cast<double>(((x + 1) * size - 1) / 2);
}

double place(const Sampler& sampler, const TensorArg& grid, std::int64_t index, const Axis& axis) {
  const double given = channel_number(grid, index);
  double x = grid.dtype == static_cast<std::int32_t>(Dtype::f64)
                 ? denormalized(given, axis)
                 : denormalized(static_cast<float>(given), axis);
  constexpr double kFar = 0x1p40;
  x = x == x ? std::clamp(x, -kFar, kFar) : -kFar;
  if (sampler.mode == Mode::nearest) x = std::nearbyint(x);
  if (x >= axis.least && x <= axis.most) return x;
  if (sampler.padding == Padding::border) return std::clamp(x, 0.0, static_cast<double>(axis.size - 1));
  return sampler.padding == Padding::reflection ? reflected(x, axis) : x;
}

struct Taps {
  std::int64_t first;
  int count;
  double weights[4];
};

Taps taps_of(Mode mode, double x) {
  const double below = std::floor(x);
  const auto index = static_cast<std::int64_t>(below);
  const double rest = x - below;
  if (mode == Mode::nearest) return {static_cast<std::int64_t>(x), 1, {1}};
  if (mode == Mode::linear) return {index, 2, {1 - rest, rest}};
  constexpr double kA = -0.75;
  const auto far = [](double t) { return ((kA * t - 5 * kA) * t + 8 * kA) * t - 4 * kA; };
  const auto near = [](double t) { return ((kA + 2) * t - (kA + 3)) * t * t + 1; };
  return {index - 1, 4, {far(rest + 1), near(rest), near(1 - rest), far(2 - rest)}};
}

template <class Element>
double interpolate(const Sampler& sampler, const typename Element::Stored* x, const Taps* taps, int level) {
  if (level == sampler.rank) return static_cast<double>(Element::load(*x));
  const Axis& axis = sampler.axes[static_cast<std::size_t>(level)];
  double sum = 0;
  for (int i = 0; i < taps[level].count; ++i) {
    const std::int64_t index = padded(taps[level].first + i, axis, sampler.padding);
    if (index >= 0)
      sum += taps[level].weights[i] * interpolate<Element>(sampler, x + index * axis.stride, taps, level + 1);
  }
  return sum;
}

template <class Element>
void run(const KernelCall& call) {
  using Stored = typename Element::Stored;
  const TensorArg& input = call.inputs[0];
  const TensorArg& grid = call.inputs[1];
  const TensorArg& output = call.outputs[0];
  const Sampler sampler = sampler_of(call);
  std::int64_t input_pixels = 1;
  std::int64_t pixels = 1;
  for (int i = 2; i < input.rank; ++i) input_pixels *= input.dims[i];
  for (int i = 2; i < output.rank; ++i) pixels *= output.dims[i];
  const std::int64_t channels = input.dims[1];
  auto* y = data_of<Stored>(output);
  const Share share = share_of(call, output.dims[0] * pixels);
  for (std::int64_t item = share.begin; item < share.end; ++item) {
    Taps taps[kMaxRank];
    for (int i = 0; i < sampler.rank; ++i)
      taps[i] = taps_of(sampler.mode, place(sampler, grid, item * sampler.rank + sampler.rank - 1 - i,
                                            sampler.axes[static_cast<std::size_t>(i)]));
    const std::int64_t image = item / pixels;
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto* plane = data_of<const Stored>(input) + (image * channels + c) * input_pixels;
      y[(image * channels + c) * pixels + item % pixels] = Element::store(
          static_cast<typename Element::Number>(interpolate<Element>(sampler, plane, taps, 0)));
    }
  }
}

template <class Element>
Kernel kernel(const char* name) {
  return {.name = name,
          .op = "GridSample",
          .arithmetic = "f32",
          .accepts = accepts_element<Element>,
          .run = run<Element>};
}

}  // namespace

std::span<const Kernel> grid_sample_kernels() {
  static const Kernel kKernels[] = {
      kernel<F32Element>("portable.grid_sample.f32"), kernel<F64Element>("portable.grid_sample.f64"),
      kernel<F16Element>("portable.grid_sample.f16"), kernel<Bf16Element>("portable.grid_sample.bf16")};
  return kKernels;
}

}  // namespace lathe::portable
