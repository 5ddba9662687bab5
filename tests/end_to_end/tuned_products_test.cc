// Products of enough tokens and rows for the kernels' tiles, tuned by measuring: the tuner runs every kernel
// it may choose, on activations of its own, and the plan gives the bits that it gives without tuning.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "base/half.h"
#include "compile/compile.h"
#include "cpu/backend.h"
#include "quant/block_format.h"
#include "support/block_types.h"

namespace lathe {
namespace {

constexpr std::int64_t kTokens = 100;
constexpr std::int64_t kRows = 48;
constexpr std::int64_t kColumns = 256;

/// Random codes under small factors.
std::vector<std::byte> random_blocks(Dtype type, const Shape& shape) {
  std::mt19937 random(static_cast<unsigned>(type));
  std::vector<std::byte> bytes(dense_bytes(type, shape));
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  const FactorPlace& place = block_format(type)->factors;
  const std::uint16_t small =
      place.bytes == 2 ? float_to_half(0x1p-7f) : std::uint16_t{127 - 7};  // or an exponent alone
  for (std::size_t at = place.offset; at < bytes.size(); at += info(type).block_bytes)
    for (std::size_t i = 0; i < place.count; ++i)
      std::memcpy(bytes.data() + at + place.bytes * i, &small, place.bytes);
  return bytes;
}

class TunedProducts : public testing::TestWithParam<Dtype> {
 protected:
  std::shared_ptr<const Plan> plan(int level) {
    const Shape shape = {kRows, kColumns};
    Graph graph;
    const auto x = graph.add_input("x", {Dtype::f32, {"T", kColumns}});
    const auto weight = graph.add_constant("weight", {weights_.data(), GetParam(), shape}, nullptr);
    graph.add_output("y", graph.add("Linear", "product", {x, weight}));
    CompileOptions options;
    options.limits = {{"T", kTokens}};
    options.tuning = {.level = level, .seconds_per_candidate = 0};
    return compile(std::move(graph), *backend_, options).plan;
  }

  std::vector<float> outputs(const std::shared_ptr<const Plan>& plan) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::vector<float> x(kTokens * kColumns);
    for (auto& value : x) value = normal(random);
    const Buffer input = backend_->allocate(x.size() * sizeof(float));
    backend_->write(input, 0, std::as_bytes(std::span(x)));
    const auto context = backend_->create_context(plan);
    context->bind(plan->binding("x"), input, 0);
    context->run(std::vector{kTokens}, 1);
    std::vector<float> y(kTokens * kRows);
    context->read_output(plan->output("y"), std::as_writable_bytes(std::span(y)));
    return y;
  }

  const std::shared_ptr<Backend> backend_ = make_cpu_backend(2);
  const std::vector<std::byte> weights_ = random_blocks(GetParam(), {kRows, kColumns});
};

TEST_P(TunedProducts, MeasuringKernelsKeepsTheBits) {
  const auto expected = outputs(plan(0));
  for (const int level : {2, 3}) {
    const auto tuned = plan(level);
    bool measured = false;
    for (std::size_t i = 0; i < tuned->steps.size(); ++i)
      if (tuned->steps[i].op->fusion == FusionKind::matmul)
        measured = tuned->profiles[0].measured[i].size() > 1;
    EXPECT_TRUE(measured) << level;
    const auto y = outputs(tuned);
    EXPECT_EQ(0, std::memcmp(y.data(), expected.data(), y.size() * sizeof(float))) << level;
  }
}

INSTANTIATE_TEST_SUITE_P(Types, TunedProducts, testing::ValuesIn(test::block_types()),
                         [](const auto& test) { return std::string(lathe::info(test.param).name); });

}  // namespace
}  // namespace lathe
