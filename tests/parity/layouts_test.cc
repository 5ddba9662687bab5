// A weight gives the same bits in each layout that the tuner may choose for it: its own, every wider one, and
// as the file has it.
#include <gtest/gtest.h>

#include "parity/matmul_operands.h"
#include "quant/block_format.h"
#include "quant/wider_layouts.h"
#include "support/block_types.h"

namespace lathe::parity {
namespace {

Tensor widened(const Tensor& narrow, Dtype layout) {
  const std::int64_t rows = narrow.dims[0];
  const std::int64_t columns = narrow.dims[1];
  Tensor wide = empty(layout, narrow.dims, packed_bytes(layout, rows, columns));
  const std::uint64_t from_bytes = packed_bytes(narrow.dtype, 16, columns);
  const std::uint64_t to_bytes = packed_bytes(layout, 16, columns);
  for (std::uint64_t group = 0; group < static_cast<std::uint64_t>(rows + 15) / 16; ++group)
    widen_group(narrow.dtype, narrow.bytes.data() + group * from_bytes, columns, layout,
                wide.bytes.data() + group * to_bytes);
  return wide;
}

class Layouts : public testing::TestWithParam<Dtype> {};

TEST_P(Layouts, AllGiveEqualBits) {
  Random random(31);
  const std::int64_t columns = info(GetParam()).block_elements == 256 ? 512 : 160;
  for (const std::int64_t tokens : {1, 2, 7, 66}) {
    const Tensor blocks = random_blocks(random, GetParam(), 50, columns);
    std::vector<Tensor> weights = {packed(blocks), blocks};
    for (const Dtype layout : wider_layouts(weights[0].dtype)) weights.push_back(widened(weights[0], layout));

    Case test{"",
              "QuantizedLinear",
              {random_activation(random, tokens, columns), weights[0]},
              {empty(Dtype::f32, {tokens, 50})},
              {},
              -1};
    std::vector<Tensor> expected;
    for (const auto& weight : weights) {
      test.name = std::string(info(weight.dtype).name);
      test.inputs[1] = weight;
      int takers = 0;
      for (const auto& kernel : kernels()) {
        if (!accepts(kernel, test)) continue;
        ++takers;
        const auto result = run(kernel, test, 3);
        if (expected.empty()) expected = result;
        ASSERT_EQ(difference(expected, result), "") << kernel.name << ", " << tokens << " tokens";
      }
      EXPECT_GT(takers, 0) << test.name;
    }
  }
}

TEST_P(Layouts, AllGiveEqualBitsInsideAFusedProduct) {
  Random random(32);
  const std::int64_t columns = info(GetParam()).block_elements == 256 ? 512 : 160;
  for (const std::int64_t tokens : {1, 5, 66}) {
    std::vector<Tensor> blocks;
    for (const std::int64_t rows : {72, 72, 41})
      blocks.push_back(random_blocks(random, GetParam(), rows, columns));
    std::vector<std::vector<Tensor>> layouts(2, blocks);
    for (auto& weight : layouts[0]) weight = packed(weight);
    for (const Dtype layout : wider_layouts(layouts[0][0].dtype)) {
      layouts.push_back(layouts[0]);
      for (auto& weight : layouts.back()) weight = widened(weight, layout);
    }
    layouts.push_back({blocks[0], layouts[0][1], blocks[2]});  // each as it likes

    const Tensor x = random_activation(random, tokens, columns);
    std::vector<Tensor> expected;
    for (const auto& weights : layouts) {
      const Case test{"",
                      "FusedLinear",
                      {x, weights[0], weights[1], weights[2]},
                      {empty(Dtype::f32, {tokens, 72}), empty(Dtype::f32, {tokens, 41})},
                      {text("o0 = mul(swish(w0), w1); o1 = w2"), integer(3)},
                      -1};
      int takers = 0;
      for (const auto& kernel : kernels()) {
        if (kernel.op != test.op || !accepts(kernel, test)) continue;
        ++takers;
        const auto result = run(kernel, test, 3);
        if (expected.empty()) expected = result;
        ASSERT_EQ(difference(expected, result), "")
            << kernel.name << ", " << info(weights[0].dtype).name << ", " << tokens << " tokens";
      }
      EXPECT_GT(takers, 0) << info(weights[0].dtype).name;
    }
  }
}

std::string type_name(const testing::TestParamInfo<Dtype>& instance) {
  return std::string(info(instance.param).name);
}

INSTANTIATE_TEST_SUITE_P(Types, Layouts, testing::ValuesIn(test::block_types()), type_name);

TEST(WiderLayouts, AreWhatHoldsTheSameFactors) {
  EXPECT_EQ(wider_layouts(Dtype::packed4), (std::vector{Dtype::packed5, Dtype::packed8}));
  EXPECT_EQ(wider_layouts(Dtype::packed4t), (std::vector{Dtype::packed8}));
  EXPECT_EQ(wider_layouts(Dtype::packed4m), (std::vector{Dtype::packed5m}));
  EXPECT_EQ(wider_layouts(Dtype::packed4k), (std::vector{Dtype::packed5k}));
  EXPECT_TRUE(wider_layouts(Dtype::packed4x).empty());  // its scales are no halves
  EXPECT_TRUE(wider_layouts(Dtype::packed6k).empty());
}

}  // namespace
}  // namespace lathe::parity
