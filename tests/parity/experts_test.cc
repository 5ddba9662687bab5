// Mixtures of experts against what they are made of: a slot's product is its expert's Linear bit for bit, and
// the router and the sum are plain double-precision formulas.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "parity/rows.h"

namespace lathe::parity {
namespace {

/// The kernel of Linear or QuantizedLinear that has this kernel's level and layout.
const Kernel& dense_kernel(const Kernel& kernel) {
  std::string name = kernel.name;
  name.erase(name.find("expert_"), std::string_view("expert_").size());
  for (const auto& candidate : kernels())
    if (candidate.name == name) return candidate;
  throw std::runtime_error("no kernel " + name);
}

/// The bytes of row `index` of `count`.
std::vector<std::byte> part(const Tensor& tensor, std::int64_t index, std::int64_t count) {
  const auto bytes = static_cast<std::ptrdiff_t>(tensor.bytes.size()) / count;
  return {tensor.bytes.begin() + index * bytes, tensor.bytes.begin() + (index + 1) * bytes};
}

void expect_products_of_linear(const Kernel& kernel, const Case& test) {
  const Kernel& linear = dense_kernel(kernel);
  const auto results = run(kernel, test, 3);
  const auto& x = test.inputs[0];
  const auto& weight = test.inputs[1];
  const auto& experts = test.inputs[2];
  const std::int64_t slots = element_count(experts.dims);
  const std::int64_t rows = weight.dims[1];
  const std::int64_t columns = weight.dims[2];
  const std::int64_t x_rows = element_count(x.dims) / columns;
  for (std::int64_t slot = 0; slot < slots; ++slot) {
    const std::int64_t expert = experts.as<std::int32_t>()[slot];
    const Case alone{"",
                     linear.op,
                     {{x.dtype, {1, columns}, part(x, slot * x_rows / slots, x_rows)},
                      {weight.dtype, {rows, columns}, part(weight, expert, weight.dims[0])}},
                     {empty(Dtype::f32, {1, rows})},
                     {},
                     -1};
    const Tensor expected = run(linear, alone, 1)[0];
    ASSERT_EQ(expected.bytes, part(results[0], slot, slots))
        << kernel.name << " slot " << slot << ": " << test.name;
    for (std::int64_t i = 0; i < rows; ++i) ASSERT_TRUE(std::isfinite(expected.as<float>()[i])) << test.name;
  }
}

TEST(Experts, ProductsAreThoseOfLinearBitForBit) {
  int compared = 0;
  for (const auto& kernel : kernels()) {
    if (kernel.op != "ExpertLinear" && kernel.op != "QuantizedExpertLinear") continue;
    for (const auto& test : cases_of(kernel.op)) {
      if (!accepts(kernel, test)) continue;
      expect_products_of_linear(kernel, test);
      ++compared;
    }
  }
  EXPECT_GT(compared, 0);
}

TEST(Experts, SelectionIsTheHeadOfAStableSortOfTheSoftmax) {
  for (const auto& kernel : kernels()) {
    if (kernel.op != "SelectExperts") continue;
    for (const auto& test : cases_of(kernel.op)) {
      const auto result = run(kernel, test, 2);
      const std::int64_t experts = test.inputs[0].dims[1];
      const std::int64_t k = test.attributes[0].integer;
      const bool normalize = test.attributes[1].integer == 1;
      for (std::int64_t row = 0; row < test.inputs[0].dims[0]; ++row) {
        const float* x = test.inputs[0].as<float>() + row * experts;
        const float* weights = result[0].as<float>() + row * k;
        const std::int32_t* chosen = result[1].as<std::int32_t>() + row * k;
        const double greatest = *std::max_element(x, x + experts);
        const bool impossible =
            std::any_of(x, x + experts, [](float v) { return std::isnan(v); }) || !std::isfinite(greatest);
        std::vector<double> p;
        for (std::int64_t i = 0; i < experts; ++i) p.push_back(std::exp(x[i] - greatest));
        const double sum = std::accumulate(p.begin(), p.end(), 0.0);
        std::vector<std::int32_t> order(static_cast<std::size_t>(experts));
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
          return p[static_cast<std::size_t>(a)] > p[static_cast<std::size_t>(b)];
        });
        double total = 0;
        for (std::int64_t i = 0; i < k; ++i)
          total += p[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] / sum;
        for (std::int64_t i = 0; i < k; ++i) {
          if (impossible) {
            ASSERT_EQ(chosen[i], i) << kernel.name << " row " << row << ": " << test.name;
            ASSERT_TRUE(std::isnan(weights[i])) << kernel.name << " row " << row << ": " << test.name;
            continue;
          }
          const double own = p[static_cast<std::size_t>(chosen[i])] / sum;
          const double other = p[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] / sum;
          if (other > 1e-30) {  // below, exponentials in float32 are 0, and equal
            ASSERT_EQ(chosen[i], order[static_cast<std::size_t>(i)])
                << kernel.name << " row " << row << ": " << test.name;
          }
          ASSERT_NEAR(weights[i], normalize ? own / total : own, 1e-6)
              << kernel.name << " row " << row << ": " << test.name;
        }
      }
    }
  }
}

TEST(Experts, SumWeighsTheSlots) {
  for (const auto& kernel : kernels()) {
    if (kernel.op != "ExpertSum") continue;
    for (const auto& test : cases_of(kernel.op)) {
      const auto result = run(kernel, test, 2);
      const std::int64_t k = test.inputs[0].dims[1];
      const std::int64_t columns = test.inputs[0].dims[2];
      for (std::int64_t i = 0; i < element_count(test.outputs[0].dims); ++i) {
        const std::int64_t row = i / columns;
        double sum = 0;
        double magnitude = 0;
        for (std::int64_t j = row * k; j < (row + 1) * k; ++j) {
          const double product = static_cast<double>(test.inputs[1].as<float>()[j]) *
                                 test.inputs[0].as<float>()[j * columns + i % columns];
          sum += product;
          magnitude += std::abs(product);
        }
        ASSERT_NEAR(result[0].as<float>()[i], sum, magnitude * 1e-6) << kernel.name << ": " << test.name;
      }
    }
  }
}

}  // namespace
}  // namespace lathe::parity
