// Convolution and pooling against plain double-precision loops that share nothing with the kernels.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <sstream>
#include <string>

#include "base/half.h"
#include "graph/text_lists.h"
#include "parity/rows.h"

namespace lathe::parity {
namespace {

/// One axis of a window, in numbers.
struct Axis {
  std::int64_t input;
  std::int64_t output;
  std::int64_t kernel;
  std::int64_t stride;
  std::int64_t dilation;
  std::int64_t pad;
};

std::int64_t listed(const char* text, std::size_t index, std::int64_t otherwise) {
  const auto list = parse_integers(text).value();
  return list.empty() ? otherwise : list.at(index);
}

/// Calls body(offset in the plane, kernel element) for what the window of an output covers of the input.
void for_each_covered(const std::vector<Axis>& axes, const Shape& output,
                      const std::function<void(std::int64_t, std::int64_t)>& body, std::size_t level = 0,
                      std::int64_t offset = 0, std::int64_t element = 0) {
  if (level == axes.size()) return body(offset, element);
  const Axis& axis = axes[level];
  for (std::int64_t k = 0; k < axis.kernel; ++k) {
    const std::int64_t at = output[level] * axis.stride - axis.pad + k * axis.dilation;
    if (at >= 0 && at < axis.input)
      for_each_covered(axes, output, body, level + 1, offset * axis.input + at, element * axis.kernel + k);
  }
}

/// Of cases whose pads are given.
std::vector<Axis> axes_of(const Case& test, const Shape& kernel, std::size_t dilations, std::size_t pads,
                          std::size_t strides) {
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < kernel.size(); ++i)
    axes.push_back({test.inputs[0].dims[2 + i], test.outputs[0].dims[2 + i], kernel[i],
                    listed(test.attributes[strides].text, i, 1),
                    listed(test.attributes[dilations].text, i, 1), listed(test.attributes[pads].text, i, 0)});
  return axes;
}

Shape coordinates(const std::vector<Axis>& axes, std::int64_t pixel) {
  Shape result(axes.size());
  for (std::size_t i = axes.size(); i-- > 0;) {
    result[i] = pixel % axes[i].output;
    pixel /= axes[i].output;
  }
  return result;
}

std::int64_t product(const std::vector<Axis>& axes, std::int64_t Axis::*length) {
  std::int64_t result = 1;
  for (const auto& axis : axes) result *= axis.*length;
  return result;
}

/// Weights in bf16: x is rounded to it as well.
bool is_rounded(const Case& test) { return test.inputs[1].dtype == Dtype::bf16; }

/// What the product takes of an element of x or the weights.
double factor(const Case& test, std::size_t input, std::int64_t index) {
  const Tensor& tensor = test.inputs[input];
  const auto rounded = [](std::uint16_t bits) { return static_cast<double>(bfloat_to_float(bits)); };
  if (tensor.dtype == Dtype::bf16) return rounded(tensor.as<std::uint16_t>()[index]);
  const float number = tensor.as<float>()[index];
  return is_rounded(test) ? rounded(float_to_bfloat(number)) : static_cast<double>(number);
}

const Kernel& portable(std::string_view name) {
  for (const auto& kernel : kernels())
    if (kernel.name == name) return kernel;
  throw std::runtime_error("no kernel of this name");
}

const Kernel& conv_of(const Case& test) {
  return portable(is_rounded(test) ? "portable.conv.pairs" : "portable.conv.f32");
}

TEST(Window, ConvolvesLikePlainLoops) {
  int checked = 0;
  for (const auto& test : cases_of("Conv")) {
    if (test.inputs[0].dtype != Dtype::f32 || *test.attributes[0].text != '\0') continue;
    const Shape& weight = test.inputs[1].dims;
    const auto axes = axes_of(test, Shape(weight.begin() + 2, weight.end()), 1, 4, 5);
    const std::int64_t pixels = product(axes, &Axis::output);
    const std::int64_t plane = product(axes, &Axis::input);
    const std::int64_t elements = product(axes, &Axis::kernel);
    const std::int64_t group_rows = weight[0] / test.attributes[2].integer;
    const auto result = run(conv_of(test), test, 2);
    for (std::int64_t i = 0; i < element_count(test.outputs[0].dims); ++i) {
      const std::int64_t row = i / pixels % weight[0];
      const std::int64_t image = i / pixels / weight[0];
      double sum = test.inputs.size() > 2 ? static_cast<double>(test.inputs[2].as<float>()[row]) : 0.0;
      double magnitude = std::abs(sum);
      for (std::int64_t c = 0; c < weight[1]; ++c)
        for_each_covered(axes, coordinates(axes, i % pixels), [&](std::int64_t at, std::int64_t k) {
          const std::int64_t channel = image * test.inputs[0].dims[1] + row / group_rows * weight[1] + c;
          const double term =
              factor(test, 0, channel * plane + at) * factor(test, 1, (row * weight[1] + c) * elements + k);
          sum += term;
          magnitude += std::abs(term);
        });
      ASSERT_NEAR(static_cast<double>(result[0].as<float>()[i]), sum, 1e-6 * magnitude + 1e-30)
          << test.name << " element " << i;
      ++checked;
    }
  }
  EXPECT_GT(checked, 1000);
}

/// An epilogue's function in double; x is the value, operand the number that it is combined with.
double epilogue_value(const std::string& function, double x, double operand, double alpha, double beta) {
  const auto within = [](double value, double low, double high) {
    return std::min(std::max(value, low), high);
  };
  if (function == "add") return x + operand;
  if (function == "mul") return x * operand;
  if (function == "max") return std::max(x, operand);
  if (function == "min") return std::min(x, operand);
  if (function == "relu") return std::max(x, 0.0);
  if (function == "clip") return within(x, alpha, beta);
  if (function == "leaky_relu") return x < 0 ? alpha * x : x;
  if (function == "sigmoid") return 1 / (1 + std::exp(-x));
  if (function == "swish") return x / (1 + std::exp(-x));
  if (function == "tanh") return std::tanh(x);
  if (function == "gelu") return x / 2 * (1 + std::erf(x / std::sqrt(2.0)));
  if (function == "gelu_tanh")
    return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  if (function == "hard_sigmoid") return within(alpha * x + beta, 0, 1);
  if (function == "hard_swish") return x * within(x / 6 + 0.5, 0, 1);
  throw std::runtime_error("no function " + function);
}

/// FusedConv against Conv of the same numbers, whose sums the test above holds, and functions in double.
TEST(Window, EpiloguesFollowTheirFormulas) {
  int checked = 0;
  for (const auto& test : cases_of("FusedConv")) {
    if (*test.attributes[9].text != '\0') continue;
    Case plain = test;
    plain.op = "Conv";
    plain.inputs.resize(test.inputs[2].dtype == Dtype::none ? 2 : 3);
    plain.attributes.resize(6);
    const auto sums = run(conv_of(plain), plain, 1);
    const double alpha = test.attributes[7].real;
    const double beta = test.attributes[8].real;
    for (const auto& kernel : kernels()) {
      if (kernel.op != "FusedConv" || !accepts(kernel, test)) continue;
      const auto result = run(kernel, test, 2);
      for (std::int64_t i = 0; i < element_count(test.outputs[0].dims); ++i) {
        auto value = static_cast<double>(sums[0].as<float>()[i]);
        std::size_t operand = 3;
        std::istringstream names(test.attributes[6].text);
        for (std::string name; std::getline(names >> std::ws, name, ',');) {
          double number = 0;
          if (name == "add" || name == "mul" || name == "max" || name == "min") {
            const Tensor& tensor = test.inputs[operand++];
            number = static_cast<double>(tensor.as<float>()[element_count(tensor.dims) == 1 ? 0 : i]);
          }
          value = epilogue_value(name, value, number, alpha, beta);
        }
        ASSERT_NEAR(static_cast<double>(result[0].as<float>()[i]), value, 1e-6 * (1 + std::abs(value)))
            << kernel.name << " " << test.name << " element " << i;
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 1000);
}

/// Row `f` of B' (6 x 6) or A' (4 x 6) of F(4 x 4, 3 x 3), as Lavin and Gray print them.
constexpr double kInputs[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                                  {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
constexpr double kOutputs[4][6] = {
    {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};

TEST(Window, WinogradSumsAreThoseOfItsMatrices) {
  int checked = 0;
  for (const auto& test : cases_of("WinogradConv")) {
    if (*test.attributes[1].text != '\0') continue;
    const Shape& x = test.inputs[0].dims;
    const Shape& y = test.outputs[0].dims;
    const auto pads = parse_integers(test.attributes[0].text).value();
    const auto result = run(portable("portable.winograd_conv"), test, 2);
    for (std::int64_t i = 0; i < element_count(y); ++i) {
      const std::int64_t column = i % y[3];
      const std::int64_t line = i / y[3] % y[2];
      const std::int64_t row = i / y[3] / y[2] % y[1];
      const std::int64_t image = i / y[3] / y[2] / y[1];
      const auto input = [&](std::int64_t c, std::int64_t a, std::int64_t b) {
        const std::int64_t v = line / 4 * 4 + a - (pads.empty() ? 0 : pads[0]);
        const std::int64_t u = column / 4 * 4 + b - (pads.empty() ? 0 : pads[1]);
        if (v < 0 || v >= x[2] || u < 0 || u >= x[3]) return 0.0;
        return static_cast<double>(test.inputs[0].as<float>()[((image * x[1] + c) * x[2] + v) * x[3] + u]);
      };
      auto value = static_cast<double>(test.inputs[2].as<float>()[row]);
      double magnitude = std::abs(value);
      for (std::int64_t f = 0; f < 36; ++f) {
        const double factor = kOutputs[line % 4][f / 6] * kOutputs[column % 4][f % 6];
        for (std::int64_t c = 0; c < x[1]; ++c) {
          double transformed = 0;
          double bound = 0;
          for (std::int64_t a = 0; a < 6; ++a)
            for (std::int64_t b = 0; b < 6; ++b) {
              const double term = kInputs[f / 6][a] * kInputs[f % 6][b] * input(c, a, b);
              transformed += term;
              bound += std::abs(term);
            }
          const auto weight = static_cast<double>(test.inputs[1].as<float>()[(f * y[1] + row) * x[1] + c]);
          value += factor * weight * transformed;
          magnitude += std::abs(factor * weight) * bound;
        }
      }
      ASSERT_NEAR(static_cast<double>(result[0].as<float>()[i]), value, 1e-6 * magnitude)
          << test.name << " element " << i;
      ++checked;
    }
  }
  EXPECT_GT(checked, 1000);
}

/// An element of f32, i8 or u8.
double element(const Tensor& tensor, std::int64_t index) {
  if (tensor.dtype == Dtype::f32) return static_cast<double>(tensor.as<float>()[index]);
  return tensor.dtype == Dtype::i8 ? tensor.as<std::int8_t>()[index] : tensor.as<std::uint8_t>()[index];
}

TEST(Window, PoolsLikePlainLoops) {
  int checked = 0;
  for (const std::string_view op : {"MaxPool", "AveragePool"}) {
    for (const auto& test : cases_of(op)) {
      const bool with_padding = op == "AveragePool" && test.attributes[6].integer != 0;
      const Dtype dtype = test.inputs[0].dtype;
      if (dtype != Dtype::f32 && dtype != Dtype::i8 && dtype != Dtype::u8) continue;
      if (*test.attributes[0].text != '\0' || with_padding) continue;
      const auto axes = axes_of(test, parse_integers(test.attributes[3].text).value(), 2, 4, 5);
      const std::int64_t pixels = product(axes, &Axis::output);
      const std::int64_t plane = product(axes, &Axis::input);
      for (const auto& kernel : kernels()) {
        if (kernel.op != op || !accepts(kernel, test)) continue;
        const auto result = run(kernel, test, 3);
        for (std::int64_t i = 0; i < element_count(test.outputs[0].dims); ++i) {
          double sum = 0;
          double greatest = -1e30;
          int count = 0;
          for_each_covered(axes, coordinates(axes, i % pixels), [&](std::int64_t at, std::int64_t) {
            const double value = element(test.inputs[0], i / pixels * plane + at);
            sum += value;
            greatest = std::max(greatest, value);
            ++count;
          });
          ASSERT_NEAR(element(result[0], i), op == "MaxPool" ? greatest : sum / count, 1e-5)
              << kernel.name << " " << test.name << " element " << i;
          ++checked;
        }
      }
    }
  }
  EXPECT_GT(checked, 1000);
}

}  // namespace
}  // namespace lathe::parity
