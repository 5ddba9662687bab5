// Convolution and pooling against plain double-precision loops that share nothing with the kernels.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

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

const Kernel& portable(std::string_view name) {
  for (const auto& kernel : kernels())
    if (kernel.name == name) return kernel;
  throw std::runtime_error("no kernel of this name");
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
    const auto result = run(portable("portable.conv.f32"), test, 2);
    for (std::int64_t i = 0; i < element_count(test.outputs[0].dims); ++i) {
      const std::int64_t row = i / pixels % weight[0];
      const std::int64_t image = i / pixels / weight[0];
      double sum = test.inputs.size() > 2 ? static_cast<double>(test.inputs[2].as<float>()[row]) : 0.0;
      double magnitude = std::abs(sum);
      for (std::int64_t c = 0; c < weight[1]; ++c)
        for_each_covered(axes, coordinates(axes, i % pixels), [&](std::int64_t at, std::int64_t k) {
          const std::int64_t channel = image * test.inputs[0].dims[1] + row / group_rows * weight[1] + c;
          const double term =
              static_cast<double>(test.inputs[0].as<float>()[channel * plane + at]) *
              static_cast<double>(test.inputs[1].as<float>()[(row * weight[1] + c) * elements + k]);
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

TEST(Window, PoolsLikePlainLoops) {
  int checked = 0;
  for (const std::string_view op : {"MaxPool", "AveragePool"}) {
    for (const auto& test : cases_of(op)) {
      const bool with_padding = op == "AveragePool" && test.attributes[6].integer != 0;
      if (test.inputs[0].dtype != Dtype::f32 || *test.attributes[0].text != '\0' || with_padding) continue;
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
            const auto value = static_cast<double>(test.inputs[0].as<float>()[i / pixels * plane + at]);
            sum += value;
            greatest = std::max(greatest, value);
            ++count;
          });
          ASSERT_NEAR(static_cast<double>(result[0].as<float>()[i]), op == "MaxPool" ? greatest : sum / count,
                      1e-5)
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
