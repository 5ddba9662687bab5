// A mixture of experts in text form, from its weights in a file's types to the sum: packed expert by expert,
// in float and in 8-bit integers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <random>

#include "base/half.h"
#include "compile/compile.h"
#include "cpu/backend.h"
#include "graph/graph.h"
#include "quant/block_format.h"

namespace lathe {
namespace {

constexpr std::int64_t kExperts = 5;
constexpr std::int64_t kUsed = 2;
constexpr std::int64_t kHidden = 40;  // no whole groups of 16 rows
constexpr std::int64_t kWidth = 64;

std::string mixture_text(const std::string& type, std::int64_t hidden) {
  const std::string h = std::to_string(hidden);
  return "graph mixture {\n"
         "  %x: f32[T, 64] = input\n"
         "  %router: f32[5, 64] = constant\n"
         "  %up: " +
         type + "[5, " + h +
         ", 64] = constant\n"
         "  %down: " +
         type + "[5, 20, " + h +
         "] = constant\n"
         "  %l: f32[T, 5] = Linear(%x, %router)\n"
         "  %s.0: f32[T, 2], %s.1: i32[T, 2] = SelectExperts(%l) {k = 2, normalize = 1}\n"
         "  %u: f32[T, 2, " +
         h +
         "] = ExpertLinear(%x, %up, %s.1)\n"
         "  %a: f32[T, 2, " +
         h +
         "] = Swish(%u)\n"
         "  %d: f32[T, 2, 20] = ExpertLinear(%a, %down, %s.1)\n"
         "  %y: f32[T, 20] = ExpertSum(%d, %s.0)\n"
         "  return y = %y, experts = %s.1\n"
         "}\n";
}

/// Random weights by name; kept as they lie in a file and as the numbers that they stand for.
class Weights {
 public:
  std::pair<TensorView, std::shared_ptr<const void>> find(const std::string& name, const ValueType& type) {
    Shape shape;
    for (const auto& dim : type.dims) shape.push_back(dim.value);
    auto bytes = std::make_shared<std::vector<std::byte>>(dense_bytes(type.dtype, shape));
    std::normal_distribution<float> normal(0, 0.2f);
    if (type.dtype == Dtype::f32) {
      for (std::size_t i = 0; i < bytes->size(); i += sizeof(float)) {
        const float value = normal(random_);
        std::memcpy(bytes->data() + i, &value, sizeof value);
      }
    } else {  // q8_0: a half and 32 codes
      for (std::size_t i = 0; i < bytes->size(); ++i) (*bytes)[i] = static_cast<std::byte>(random_());
      for (std::size_t i = 0; i < bytes->size(); i += 34) {
        const std::uint16_t scale = float_to_half(0.002f);
        std::memcpy(bytes->data() + i, &scale, sizeof scale);
      }
    }
    const TensorView view{bytes->data(), type.dtype, shape};
    auto& decoded = values[name];
    decoded.resize(static_cast<std::size_t>(element_count(shape)));
    decode_rows(type.dtype, view.data, decoded.data(), view.rows(), view.columns());
    return {view, bytes};
  }

  std::map<std::string, std::vector<float>> values;

 private:
  std::mt19937 random_{5};
};

/// Row `row` of matrix `index` times x.
double product(const std::vector<float>& matrices, std::int64_t row, std::span<const double> x) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    sum += matrices[static_cast<std::size_t>(row) * x.size() + i] * x[i];
  return sum;
}

std::vector<double> expected_row(Weights& weights, std::span<const float> input, std::int64_t hidden,
                                 std::span<const std::int32_t> chosen) {
  const std::vector<double> x(input.begin(), input.end());
  std::vector<double> logits;
  for (std::int64_t e = 0; e < kExperts; ++e) logits.push_back(product(weights.values["router"], e, x));
  std::vector<std::int32_t> order(kExperts);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
  });
  double total = 0;
  for (std::int64_t j = 0; j < kUsed; ++j) {
    EXPECT_EQ(chosen[static_cast<std::size_t>(j)], order[static_cast<std::size_t>(j)]);
    total += std::exp(logits[static_cast<std::size_t>(order[static_cast<std::size_t>(j)])]);
  }
  std::vector<double> result(20, 0.0);
  for (std::int64_t j = 0; j < kUsed; ++j) {
    const std::int64_t expert = order[static_cast<std::size_t>(j)];
    std::vector<double> activated;
    for (std::int64_t i = 0; i < hidden; ++i) {
      const double u = product(weights.values["up"], expert * hidden + i, x);
      activated.push_back(u / (1 + std::exp(-u)));
    }
    for (std::int64_t i = 0; i < 20; ++i)
      result[static_cast<std::size_t>(i)] += std::exp(logits[static_cast<std::size_t>(expert)]) / total *
                                             product(weights.values["down"], expert * 20 + i, activated);
  }
  return result;
}

void expect_mixture(const std::string& type, std::int64_t hidden, const std::string& kernel, Dtype layout,
                    double tolerance) {
  Weights weights;
  const auto backend = make_cpu_backend(2);
  CompileOptions options;
  options.limits = {{"T", 100}};
  const auto find = [&](const std::string& name, const ValueType& value) {
    return weights.find(name, value);
  };
  const CompileResult compiled = compile(parse_graph(mixture_text(type, hidden), find), *backend, options);
  const Plan& plan = *compiled.plan;
  int products = 0;
  for (const auto& step : plan.steps) {
    if (step.op->name != kernel) continue;
    ++products;
    const auto& tensor = plan.tensors[static_cast<std::size_t>(step.inputs[1])];
    EXPECT_EQ(tensor.type.dtype, layout);
    EXPECT_EQ(tensor.max_bytes,
              kExperts * packed_bytes(layout, tensor.type.dims[1].value, tensor.type.dims[2].value));
  }
  EXPECT_EQ(products, 2);

  const auto context = backend->create_context(compiled.plan);
  const Buffer input = backend->allocate(100 * kWidth * sizeof(float));
  context->bind(plan.binding("x"), input, 0);
  std::mt19937 random(6);
  std::normal_distribution<float> normal;
  for (const std::int64_t tokens : {1, 7, 100, 2}) {
    std::vector<float> x(static_cast<std::size_t>(tokens * kWidth));
    for (auto& value : x) value = normal(random);
    backend->write(input, 0, std::as_bytes(std::span(x)));
    context->run(std::span(&tokens, 1), 3);
    std::vector<float> y(static_cast<std::size_t>(tokens) * 20);
    std::vector<std::int32_t> chosen(static_cast<std::size_t>(tokens * kUsed));
    context->read_output(plan.output("y"), std::as_writable_bytes(std::span(y)));
    context->read_output(plan.output("experts"), std::as_writable_bytes(std::span(chosen)));
    for (std::size_t t = 0; t < static_cast<std::size_t>(tokens); ++t) {
      const auto expected = expected_row(weights, std::span(x).subspan(t * kWidth, kWidth), hidden,
                                         std::span(chosen).subspan(t * kUsed, kUsed));
      for (std::size_t i = 0; i < 20; ++i)
        ASSERT_NEAR(y[t * 20 + i], expected[i], tolerance) << t << ", " << i;
    }
  }
}

TEST(MixtureOfExperts, FloatWeights) {
  expect_mixture("f32", kHidden, "ExpertLinear", Dtype::packed_f32, 1e-4);
}

TEST(MixtureOfExperts, QuantizedWeightsWithQuantizedActivations) {
  expect_mixture("q8_0", 96, "QuantizedExpertLinear", Dtype::packed8, 0.03);
}

}  // namespace
}  // namespace lathe
