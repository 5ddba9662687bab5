// Products of codes against plain loops in double precision that share nothing with the kernels.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "graph/text_lists.h"
#include "parity/rows_codes.h"

namespace lathe::parity {
namespace {

double element(const Tensor& tensor, std::int64_t index) {
  if (tensor.dtype == Dtype::f32) return static_cast<double>(tensor.as<float>()[index]);
  return tensor.dtype == Dtype::i8 ? tensor.as<std::int8_t>()[index] : tensor.as<std::uint8_t>()[index];
}

/// The real number that a sum of codes stands for, and the magnitudes that were added.
struct Result {
  double value;
  double magnitude;
};

Result finish(const Case& test, std::int64_t i, std::int64_t row, double sum, std::size_t least) {
  const auto given = [&](std::size_t input) { return test.inputs[input].dtype != Dtype::none; };
  if (given(9) && !given(8)) {  // in one step, exact but for what 53 bits hold
    if (given(3)) sum += test.inputs[3].as<std::int32_t>()[row];
    return {sum * element(test.inputs[2], row), 0};
  }
  Result result{sum * element(test.inputs[2], row), std::abs(sum * element(test.inputs[2], row))};
  const auto add = [&](double term) {
    result.value += term;
    result.magnitude += std::abs(term);
  };
  if (given(3)) add(element(test.inputs[3], row));
  if (given(6)) add((element(test.inputs[5], i) - element(test.inputs[7], 0)) * element(test.inputs[6], 0));
  if (given(5) && !given(6)) add(element(test.inputs[5], i));
  result.value =
      std::min(std::max(result.value, test.attributes[least].real), test.attributes[least + 1].real);
  return result;
}

/// Floats within the rounding of a few operations; of codes those that lie next to the real number.
void expect_near(const Case& test, const Tensor& y, std::int64_t i, const Result& expected) {
  const double tolerance = 1e-6 * expected.magnitude + 1e-30;
  if (y.dtype == Dtype::f32) {
    ASSERT_NEAR(element(y, i), expected.value, tolerance) << test.name << " element " << i;
    return;
  }
  const double scale = test.inputs[8].dtype == Dtype::none ? 1 : element(test.inputs[8], 0);
  const double low = y.dtype == Dtype::i8 ? -128 : 0;
  const double wanted = std::clamp(expected.value / scale + element(test.inputs[9], 0), low, low + 255);
  ASSERT_NEAR(element(y, i), wanted, 0.5 + tolerance / scale) << test.name << " element " << i;
}

const Kernel& portable(std::string_view name) {
  for (const auto& kernel : kernels())
    if (kernel.name == name) return kernel;
  throw std::runtime_error("no kernel of this name");
}

/// Three axes of a window; those that a case lacks are one long.
struct Window {
  std::array<std::int64_t, 3> input{1, 1, 1};
  std::array<std::int64_t, 3> output{1, 1, 1};
  std::array<std::int64_t, 3> kernel{1, 1, 1};
  std::array<std::int64_t, 3> stride{1, 1, 1};
  std::array<std::int64_t, 3> dilation{1, 1, 1};
  std::array<std::int64_t, 3> pad{0, 0, 0};

  explicit Window(const Case& test) {
    const std::size_t axes = test.inputs[0].dims.size() - 2;
    const auto listed = [&](std::size_t attribute, std::size_t axis, std::int64_t otherwise) {
      const auto list = parse_integers(test.attributes[attribute].text).value();
      return list.empty() ? otherwise : list.at(axis);
    };
    for (std::size_t i = 0; i < axes; ++i) {
      const std::size_t at = 3 - axes + i;
      input[at] = test.inputs[0].dims[2 + i];
      output[at] = test.outputs[0].dims[2 + i];
      kernel[at] = test.inputs[1].dims[2 + i];
      dilation[at] = listed(1, i, 1);
      pad[at] = listed(4, i, 0);
      stride[at] = listed(5, i, 1);
    }
  }
};

std::int64_t volume(const std::array<std::int64_t, 3>& lengths) {
  return lengths[0] * lengths[1] * lengths[2];
}

std::array<std::int64_t, 3> place(const std::array<std::int64_t, 3>& lengths, std::int64_t index) {
  return {index / lengths[2] / lengths[1], index / lengths[2] % lengths[1], index % lengths[2]};
}

/// The sum for one pixel of one row; padding is x's zero point, which adds nothing.
double window_sum(const Case& test, const Window& window, std::int64_t first_channel, std::int64_t row,
                  std::int64_t pixel) {
  const auto out = place(window.output, pixel);
  double sum = 0;
  for (std::int64_t c = 0; c < test.inputs[1].dims[1]; ++c)
    for (std::int64_t k = 0; k < volume(window.kernel); ++k) {
      const auto tap = place(window.kernel, k);
      std::int64_t at = 0;
      bool inside = true;
      for (std::size_t i = 0; i < 3; ++i) {
        const std::int64_t position = out[i] * window.stride[i] - window.pad[i] + tap[i] * window.dilation[i];
        inside = inside && position >= 0 && position < window.input[i];
        at = at * window.input[i] + position;
      }
      if (inside)
        sum += (element(test.inputs[0], (first_channel + c) * volume(window.input) + at) -
                element(test.inputs[4], 0)) *
               element(test.inputs[1], (row * test.inputs[1].dims[1] + c) * volume(window.kernel) + k);
    }
  return sum;
}

TEST(Codes, ConvolveLikePlainLoops) {
  int checked = 0;
  for (const auto& test : cases_of("ConvCodes")) {
    if (*test.attributes[0].text != '\0') continue;  // pads that are not given
    const Window window(test);
    const std::int64_t rows = test.inputs[1].dims[0];
    const std::int64_t groups = test.attributes[2].integer;
    const auto result = run(portable("portable.conv_codes.dense"), test, 2);
    for (std::int64_t i = 0; i < element_count(test.outputs[0].dims); ++i) {
      const std::int64_t row = i / volume(window.output) % rows;
      const std::int64_t image = i / volume(window.output) / rows;
      const std::int64_t channel = (image * groups + row / (rows / groups)) * test.inputs[1].dims[1];
      const double sum = window_sum(test, window, channel, row, i % volume(window.output));
      ASSERT_NO_FATAL_FAILURE(expect_near(test, result[0], i, finish(test, i, row, sum, 6)));
      ++checked;
    }
  }
  EXPECT_GT(checked, 10000);
}

TEST(Codes, MultiplyLikePlainLoops) {
  int checked = 0;
  for (const auto& test : cases_of("LinearCodes")) {
    const std::int64_t rows = test.inputs[1].dims[0];
    const std::int64_t columns = test.inputs[1].dims[1];
    const auto result = run(portable("portable.linear_codes.rows"), test, 2);
    for (std::int64_t i = 0; i < element_count(test.outputs[0].dims); ++i) {
      double sum = 0;
      for (std::int64_t k = 0; k < columns; ++k)
        sum += (element(test.inputs[0], i / rows * columns + k) - element(test.inputs[4], 0)) *
               element(test.inputs[1], i % rows * columns + k);
      ASSERT_NO_FATAL_FAILURE(expect_near(test, result[0], i, finish(test, i, i % rows, sum, 0)));
      ++checked;
    }
  }
  EXPECT_GT(checked, 5000);
}

TEST(Codes, AreLookedUpByTheirBytes) {
  int checked = 0;
  for (const auto& test : cases_of("MapCodes")) {
    const auto result = run(portable("portable.map_codes"), test, 2);
    for (std::size_t i = 0; i < result[0].bytes.size(); ++i, ++checked)
      ASSERT_EQ(result[0].bytes[i],
                test.inputs[1].bytes[std::to_integer<std::size_t>(test.inputs[0].bytes[i])]);
  }
  EXPECT_GT(checked, 3000);
}

/// Where element i of y reads an operand that broadcasts to it.
std::int64_t broadcast_place(const Shape& operand, const Shape& y, std::int64_t i) {
  std::int64_t place = 0;
  std::int64_t step = 1;
  for (std::size_t behind = 0; behind < y.size(); ++behind) {
    const std::int64_t index = i % y[y.size() - 1 - behind];
    i /= y[y.size() - 1 - behind];
    if (behind >= operand.size()) continue;
    const std::int64_t length = operand[operand.size() - 1 - behind];
    if (length != 1) place += index * step;
    step *= length;
  }
  return place;
}

TEST(Codes, AddSubtractAndMultiplyInSteps) {
  int checked = 0;
  int held = 0;
  for (const std::string_view op : {"AddCodes", "SubCodes", "MulCodes"}) {
    const auto name = std::string("portable.") + (op == "AddCodes"   ? "add"
                                                  : op == "SubCodes" ? "sub"
                                                                     : "mul");
    for (const auto& test : cases_of(op)) {
      const auto result = run(portable(name + "_codes"), test, 2);
      const Tensor& y = result[0];
      const double low = y.dtype == Dtype::i8 ? -128 : 0;
      for (std::int64_t i = 0; i < element_count(y.dims); ++i) {
        const auto operand = [&](std::size_t input) {
          const auto at = broadcast_place(test.inputs[input].dims, y.dims, i);
          return (element(test.inputs[input], at) - element(test.inputs[2 * input + 3], 0)) *
                 element(test.inputs[2 * input + 2], 0);
        };
        const double a = operand(0);
        const double b = operand(1);
        double value = op == "AddCodes" ? a + b : op == "SubCodes" ? a - b : a * b;
        value = std::clamp(value, test.attributes[0].real, test.attributes[1].real);
        const double code = value / element(test.inputs[6], 0) + element(test.inputs[7], 0);
        ASSERT_NEAR(element(y, i), std::clamp(code, low, low + 255), 0.5 + 1e-4)
            << test.name << " element " << i;
        held += code < low || code > low + 255 ? 1 : 0;
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 5000);
  EXPECT_GT(held, 100);
  EXPECT_LT(held, checked * 2 / 3);
}

std::string list_of(const std::vector<std::int64_t>& numbers) {
  std::string text;
  for (const auto number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  return text;
}

/// Any window on one to three axes; half of them have one channel for each group.
Case random_window(Random& random) {
  const auto number = [&random](std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random);
  };
  constexpr std::int64_t kMostInput[] = {150, 40, 9};
  const std::int64_t axes = number(1, 3);
  const std::int64_t groups = number(1, 4);
  const std::int64_t channels = number(0, 1) == 0 ? 1 : number(1, 9);
  Shape x = {number(1, 2), groups * channels};
  Shape weight = {groups * number(1, 7), channels};
  std::vector<std::int64_t> pads(static_cast<std::size_t>(2 * axes));
  std::vector<std::int64_t> strides;
  std::vector<std::int64_t> dilations;
  for (auto& pad : pads) pad = number(0, 3);
  for (std::size_t i = 0; i < static_cast<std::size_t>(axes); ++i) {
    x.push_back(number(1, kMostInput[axes - 1]));
    weight.push_back(number(1, axes == 3 ? 3 : 7));
    strides.push_back(number(0, 2) == 0 ? number(1, 6) : number(1, 2));
    dilations.push_back(number(0, 3) == 0 ? number(1, 25) : number(1, 2));
    if (number(0, 1) == 0) continue;  // as many outputs as inputs, where the kernel is odd
    strides[i] = 1;
    pads[i] = pads[i + static_cast<std::size_t>(axes)] = (weight.back() - 1) * dilations[i] / 2;
  }
  return code_case("ConvCodes", x, weight, code_kinds()[random() % code_kinds().size()],
                   {{"dilations", list_of(dilations)},
                    {"group", groups},
                    {"least", -9.0},
                    {"pads", list_of(pads)},
                    {"strides", list_of(strides)}});
}

TEST(Codes, AllKernelsConvolveAnyWindowAlike) {
  Random random(5);
  int checked = 0;
  for (int i = 0; i < 400; ++i) {
    Case test;
    try {
      test = random_window(random);
    } catch (const Error&) {
      continue;  // no window fits
    }
    const auto expected = run(portable("portable.conv_codes.dense"), test, 1);
    for (const auto& kernel : kernels()) {
      if (!accepts(kernel, test)) continue;
      ASSERT_EQ(difference(expected, run(kernel, test, 1 + i % 3)), "") << kernel.name << " " << test.name;
      ++checked;
    }
  }
  EXPECT_GT(checked, 500);
}

/// A case of LinearCodes of one output: no products, a bias, and codes of 8 bits around `zero` with scale 1.
Case one_bias(float bias, float least, float most) {
  Case test = cases_of("LinearCodes").front();
  for (const auto& candidate : cases_of("LinearCodes"))
    if (candidate.inputs[0].dims == Shape{7, 37} && candidate.outputs[0].dtype == Dtype::u8 &&
        candidate.inputs[3].dtype == Dtype::f32)
      test = candidate;
  for (auto& byte : test.inputs[1].bytes) byte = std::byte{0};
  for (std::int64_t i = 0; i < test.inputs[3].dims[0]; ++i) test.inputs[3].as<float>()[i] = bias;
  *test.inputs[8].as<float>() = 1;
  *test.inputs[9].as<std::uint8_t>() = 100;
  test.attributes = {real(static_cast<double>(least)), real(static_cast<double>(most))};
  return test;
}

TEST(Codes, RoundHalvesToEvenAndHoldTheRange) {
  constexpr float kGreatest = std::numeric_limits<float>::max();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const struct {
    float bias;
    int expected;
    float least = -kGreatest;
    float most = kGreatest;
  } rows[] = {{0.5f, 100},      {1.5f, 102},     {2.5f, 102},        {-0.5f, 100},    {-1.5f, 98},
              {154.5f, 254},    {155.5f, 255},   {1e30f, 255},       {-100.4f, 0},    {-1e30f, 0},
              {kInfinity, 255}, {-kInfinity, 0}, {std::nanf(""), 0}, {-7, 103, 3, 4}, {9, 104, 3, 4}};
  for (const auto& row : rows) {
    const Case test = one_bias(row.bias, row.least, row.most);
    for (const auto& kernel : kernels()) {
      if (!accepts(kernel, test)) continue;
      const auto result = run(kernel, test, 1);
      for (std::size_t i = 0; i < result[0].bytes.size(); ++i)
        ASSERT_EQ(static_cast<int>(result[0].bytes[i]), row.expected) << kernel.name << " of " << row.bias;
    }
  }
}

TEST(Codes, RoundHalvesBehindTheZeroPointInOneStep) {
  Case test = cases_of("LinearCodes").front();
  for (const auto& candidate : cases_of("LinearCodes"))
    if (candidate.inputs[8].dtype == Dtype::none && candidate.inputs[3].dtype == Dtype::i32) test = candidate;
  ASSERT_EQ(test.inputs[3].dtype, Dtype::i32);
  ASSERT_EQ(test.outputs[0].dtype, Dtype::i8);
  for (auto& byte : test.inputs[1].bytes) byte = std::byte{0};
  const std::int64_t rows = test.inputs[3].dims[0];
  for (std::int64_t i = 0; i < rows; ++i) test.inputs[2].as<float>()[i] = 0.5f;
  const struct {
    std::int32_t bias;
    std::int8_t zero;
    int expected;
  } lines[] = {{1, 0, 0},
               {1, 1, 2},
               {3, 0, 2},
               {3, 1, 2},
               {-1, 1, 0},
               {-1, 0, 0},
               {255, 0, 127},
               {-257, 0, -128},
               {2147483647, -3, 127},
               {-2147483647, 3, -128},
               {-1, -1, -2}};
  for (const auto& line : lines) {
    for (std::int64_t i = 0; i < rows; ++i) test.inputs[3].as<std::int32_t>()[i] = line.bias;
    *test.inputs[9].as<std::int8_t>() = line.zero;
    for (const auto& kernel : kernels()) {
      if (!accepts(kernel, test)) continue;
      const auto result = run(kernel, test, 1);
      for (std::size_t i = 0; i < result[0].bytes.size(); ++i)
        ASSERT_EQ(static_cast<int>(result[0].as<std::int8_t>()[i]), line.expected)
            << kernel.name << " of " << line.bias << " around " << static_cast<int>(line.zero);
    }
  }
}

}  // namespace
}  // namespace lathe::parity
