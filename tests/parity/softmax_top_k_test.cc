// SoftmaxTopK gives the bits of Softmax and TopKAny one after the other, and the heads of a sort in double
// precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "parity/rows.h"

namespace lathe::parity {
namespace {

Kernel portable(std::string_view op, std::string_view name) {
  for (const auto& kernel : kernels())
    if (kernel.op == op && kernel.name == name) return kernel;
  ADD_FAILURE() << "no kernel " << name;
  return {};
}

TEST(SoftmaxTopK, GivesTheBitsOfItsTwoKernels) {
  const auto together = portable("SoftmaxTopK", "portable.softmax_top_k");
  for (const auto& test : cases_of("SoftmaxTopK")) {
    const bool log = test.attributes[3].integer != 0;
    const Case softmax{test.name,
                       log ? "LogSoftmax" : "Softmax",
                       test.inputs,
                       {empty(Dtype::f32, test.inputs[0].dims)},
                       {test.attributes[0]},
                       -1};
    const auto row =
        run(log ? portable("LogSoftmax", "portable.log_softmax") : portable("Softmax", "portable.softmax"),
            softmax, 1)[0];
    Tensor k = empty(Dtype::i64, {1});
    *k.as<std::int64_t>() = test.attributes[1].integer;
    const Case top{
        test.name, "TopKAny", {row, k}, test.outputs, {test.attributes[0], test.attributes[2], integer(1)},
        -1};
    const auto expected = run(portable("TopKAny", "portable.top_k_any"), top, 1);
    EXPECT_EQ(difference(expected, run(together, test, 2)), "") << test.name;
  }
}

TEST(SoftmaxTopK, IsTheHeadOfASortInDoublePrecision) {
  const auto kernel = portable("SoftmaxTopK", "portable.softmax_top_k");
  int rows = 0;
  for (const auto& test : cases_of("SoftmaxTopK")) {
    const auto& x = test.inputs[0];
    const auto count = x.dims.back();
    const auto k = test.attributes[1].integer;
    const bool along_rows =
        test.attributes[0].integer + 1 == std::ssize(x.dims) || test.attributes[0].integer == -1;
    if (!along_rows) continue;
    const auto result = run(kernel, test, 1);
    for (std::int64_t row = 0; row < element_count(x.dims) / count; ++row) {
      const float* numbers = x.as<float>() + row * count;
      if (std::any_of(numbers, numbers + count, [](float number) { return !std::isfinite(number); }))
        continue;
      const double greatest = *std::max_element(numbers, numbers + count);
      double sum = 0;
      for (std::int64_t i = 0; i < count; ++i) sum += std::exp(static_cast<double>(numbers[i]) - greatest);
      std::vector<double> values;
      for (std::int64_t i = 0; i < count; ++i) {
        const double shifted = static_cast<double>(numbers[i]) - greatest;
        values.push_back(test.attributes[3].integer != 0 ? shifted - std::log(sum) : std::exp(shifted) / sum);
      }
      std::vector<double> sorted = values;
      std::ranges::sort(sorted);
      if (test.attributes[2].integer != 0) std::ranges::reverse(sorted);
      for (std::int64_t i = 0; i < k; ++i) {
        const double value = result[0].as<float>()[row * k + i];
        const auto index = result[1].as<std::int64_t>()[row * k + i];
        const double tolerance = 2e-6 + std::abs(value) * 1e-6;
        ASSERT_NEAR(value, sorted[static_cast<std::size_t>(i)], tolerance) << test.name;
        ASSERT_NEAR(value, values.at(static_cast<std::size_t>(index)), tolerance) << test.name;
        if (i == 0) continue;
        const auto before = result[1].as<std::int64_t>()[row * k + i - 1];
        const bool equal = result[0].as<float>()[row * k + i - 1] == result[0].as<float>()[row * k + i];
        ASSERT_TRUE(!equal || before < index) << test.name << ": equal ones in their order";
      }
      ++rows;
    }
  }
  EXPECT_GT(rows, 100);
}

}  // namespace
}  // namespace lathe::parity
