// ConvInteger and QLinearConv: sums of (x - its zero point) * (weight - its zero point) in 32 bits, which
// wrap. The padding is the zero point. QLinearConv multiplies the sum with x scale * weight scale / y scale
// (float32), rounds to nearest even and saturates.
#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu/portable/float_element.h"
#include "cpu/portable/window_walk.h"

namespace lathe::portable {
namespace {

struct Operands {
  const TensorArg& x;
  const TensorArg& weight;
  const TensorArg* x_zero;       // or null
  const TensorArg* weight_zero;  // or null
};

const TensorArg* given(const KernelCall& call, int input) {
  const bool is_given =
      call.input_count > input && call.inputs[input].dtype != static_cast<std::int32_t>(Dtype::none);
  return is_given ? &call.inputs[input] : nullptr;
}

/// The number of a row, or the one of all rows; zero where there is none.
template <class Integer>
std::int32_t zero_point(const TensorArg* tensor, std::int64_t row) {
  if (tensor == nullptr) return 0;
  return data_of<const Integer>(*tensor)[element_count(*tensor) == 1 ? 0 : row];
}

template <class X, class W, class Store>
void convolve(const KernelCall& call, const Operands& operands, Store store) {
  const Windows windows(
      {call.attributes[0].text, call.attributes[1].text, call.attributes[4].text, call.attributes[5].text},
      operands.x, operands.weight.dims + 2, false);
  const std::int64_t rows = operands.weight.dims[0];
  const std::int64_t group_rows = rows / call.attributes[2].integer;
  const std::int64_t channels = operands.weight.dims[1];
  const std::int64_t kernel = windows.kernel_size();
  const std::int32_t x_zero = zero_point<X>(operands.x_zero, 0);
  const Share share = share_of(call, element_count(call.outputs[0]));
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::int64_t row = i / windows.pixels() % rows;
    const std::int64_t image = i / windows.pixels() / rows;
    const std::int64_t first_channel = (image * (rows / group_rows) + row / group_rows) * channels;
    const std::int32_t weight_zero = zero_point<W>(operands.weight_zero, row);
    std::uint32_t sum = 0;
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto* plane = data_of<const X>(operands.x) + (first_channel + c) * windows.input_pixels();
      const auto* factors = data_of<const W>(operands.weight) + (row * channels + c) * kernel;
      windows.for_each_inside(i % windows.pixels(), [&](std::int64_t at, std::int64_t k) {
        sum += static_cast<std::uint32_t>((plane[at] - x_zero) * (factors[k] - weight_zero));
      });
    }
    store(i, row, static_cast<std::int32_t>(sum));
  }
}

template <class X, class W>
void run_integer(const KernelCall& call) {
  auto* y = data_of<std::int32_t>(call.outputs[0]);
  convolve<X, W>(call, {call.inputs[0], call.inputs[1], given(call, 2), given(call, 3)},
                 [y](std::int64_t i, std::int64_t, std::int32_t sum) { y[i] = sum; });
}

template <class Integer>
Integer saturate(double value) {
  constexpr double kLeast = std::numeric_limits<Integer>::lowest();
  constexpr double kMost = std::numeric_limits<Integer>::max();
  if (!(value > kLeast)) return std::numeric_limits<Integer>::lowest();
  return static_cast<Integer>(std::min(std::nearbyint(value), kMost));
}

template <class X, class W>
void run_linear(const KernelCall& call) {
  const TensorArg& scales = call.inputs[4];
  const float x_scale = *data_of<const float>(call.inputs[1]);
  const float y_scale = *data_of<const float>(call.inputs[6]);
  const bool one_scale = element_count(scales) == 1;
  const TensorArg* bias = given(call, 8);
  const bool is_signed = call.outputs[0].dtype == static_cast<std::int32_t>(Dtype::i8);
  const TensorArg& y_zero = call.inputs[7];
  const auto store = [&](std::int64_t i, std::int64_t row, std::int32_t sum) {
    const std::uint32_t start = bias == nullptr ? 0u : data_of<const std::uint32_t>(*bias)[row];
    const auto total = static_cast<std::int32_t>(start + static_cast<std::uint32_t>(sum));
    const float factor = x_scale * data_of<const float>(scales)[one_scale ? 0 : row] / y_scale;
    const double value = static_cast<double>(total) * static_cast<double>(factor);
    if (is_signed)
      data_of<std::int8_t>(call.outputs[0])[i] =
          saturate<std::int8_t>(value + zero_point<std::int8_t>(&y_zero, 0));
    else
      data_of<std::uint8_t>(call.outputs[0])[i] =
          saturate<std::uint8_t>(value + zero_point<std::uint8_t>(&y_zero, 0));
  };
  convolve<X, W>(call, {call.inputs[0], call.inputs[3], &call.inputs[2], &call.inputs[5]}, store);
}

template <int weight, Dtype x_dtype, Dtype weight_dtype>
bool accepts(const NodeTypes& types) {
  return types.inputs[0].dtype == x_dtype && types.inputs[weight].dtype == weight_dtype;
}

template <class X, Dtype x_dtype, class W, Dtype weight_dtype>
void add(std::vector<Kernel>& kernels, const std::string& names) {
  kernels.push_back({.name = "portable.conv_integer." + names,
                     .op = "ConvInteger",
                     .arithmetic = "integer",
                     .accepts = accepts<1, x_dtype, weight_dtype>,
                     .run = run_integer<X, W>});
  kernels.push_back({.name = "portable.linear_conv." + names,
                     .op = "QLinearConv",
                     .arithmetic = "f32",
                     .accepts = accepts<3, x_dtype, weight_dtype>,
                     .run = run_linear<X, W>});
}

}  // namespace

std::span<const Kernel> conv_integer_kernels() {
  static const std::vector<Kernel> kKernels = [] {
    std::vector<Kernel> kernels;
    add<std::int8_t, Dtype::i8, std::int8_t, Dtype::i8>(kernels, "i8_i8");
    add<std::int8_t, Dtype::i8, std::uint8_t, Dtype::u8>(kernels, "i8_u8");
    add<std::uint8_t, Dtype::u8, std::int8_t, Dtype::i8>(kernels, "u8_i8");
    add<std::uint8_t, Dtype::u8, std::uint8_t, Dtype::u8>(kernels, "u8_u8");
    return kernels;
  }();
  return kKernels;
}

}  // namespace lathe::portable
