#include "passes/quantize_layers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/half.h"
#include "passes/before_expected.h"
#include "support/number_constants.h"

namespace lathe {
namespace {

constexpr std::string_view kNetwork = R"(graph g {
    %x: f32[1, 2, 5, 5] = input
    %w: f32[3, 2, 3, 3] = constant "random w"
    %k: f32[9, 4] = constant "random k"
    %m: f32[6, 9] = constant "random m"
    %c: f32[1, 3, 3, 3] = Conv(%x, %w)
    %rows: f32[3, 9] = Reshape(%c) {shape = "3, 9"}
    %a: f32[3, 4] = MatMul(%rows, %k)
    %b: f32[3, 6] = Gemm(%rows, %m) {transB = 1}
    return a = %a, b = %b
  })";

constexpr LayerType kFloat = LayerType::f32, kBf16 = LayerType::bf16, kInt8 = LayerType::int8;

Graph with_types(std::vector<LayerType> types) {
  Graph graph = parse_graph(kNetwork, test::number_constant);
  const auto layers = find_weighted_layers(graph);
  set_layer_types(graph, layers, types, std::vector<ValueRange>(types.size(), {-2, 4}));
  verify(graph, "layer types");
  return graph;
}

std::string ops(const Graph& graph) {
  std::string text;
  for (const auto& node : graph.nodes) text += (text.empty() ? "" : " ") + std::string(node.op->name);
  return text;
}

float number(const Value& constant, std::size_t i) {
  float result = 0;
  std::memcpy(&result, constant.data.data + i * sizeof result, sizeof result);
  return result;
}

TEST(QuantizeLayers, FindsProductsWithConstantFactorsAndTheTensorsBehindViews) {
  const auto layers = find_weighted_layers(parse_graph(kNetwork, test::number_constant));
  ASSERT_EQ(layers.size(), 3);
  EXPECT_EQ(layers[0].op, "Conv");
  EXPECT_EQ(layers[0].tensor, "x");
  for (const std::size_t i : {1u, 2u}) EXPECT_EQ(layers[i].tensor, "c");
  for (const auto& layer : layers) EXPECT_TRUE(layer.takes_bf16);
  EXPECT_EQ(layers[2].op, "Gemm");
}

TEST(QuantizeLayers, OnlyDepthwiseConvolutionsTakeNoBf16) {
  const auto layers = find_weighted_layers(parse_graph(R"(graph g {
    %x: f32[1, 4, 5, 5] = input
    %w: f32[4, 1, 3, 3] = constant "random w"
    %v: f32[4, 2, 3, 3] = constant "random v"
    %one: f32[1, 1, 5, 5] = input
    %a: f32[1, 4, 3, 3] = Conv(%x, %w) {group = 4}
    %b: f32[1, 4, 3, 3] = Conv(%x, %v) {group = 2}
    %c: f32[1, 4, 3, 3] = Conv(%one, %w)
    return a = %a, b = %b, c = %c
  })",
                                                       test::number_constant));
  ASSERT_EQ(layers.size(), 3);
  EXPECT_FALSE(layers[0].takes_bf16);
  EXPECT_TRUE(layers[1].takes_bf16);
  EXPECT_TRUE(layers[2].takes_bf16);
}

TEST(QuantizeLayers, ComputedFactorsAndScaledSumsAreNoLayers) {
  const Graph graph = parse_graph(R"(graph g {
    %x: f32[2, 4] = input
    %y: f32[4, 4] = input
    %k: f32[4, 4] = constant "random k"
    %a: f32[2, 4] = MatMul(%x, %y)
    %b: f32[2, 4] = Gemm(%a, %k) {alpha = 0.5}
    return b = %b
  })",
                                  test::number_constant);
  EXPECT_TRUE(find_weighted_layers(graph).empty());
}

TEST(QuantizeLayers, LayersInInt8ShareThePairOfTheirInput) {
  const Graph graph = with_types({kFloat, kInt8, kInt8});
  EXPECT_EQ(ops(graph),
            "Conv Reshape QuantizeLinear DequantizeLinear DequantizeLinear MatMul DequantizeLinear Gemm");
  const Node& matmul = graph.nodes[5];
  const Node& gemm = graph.nodes[7];
  EXPECT_EQ(matmul.inputs[0], gemm.inputs[0]);
  EXPECT_EQ(graph.nodes[4].integer("axis"), 1);  // the outputs of MatMul's factor lie along its columns
  EXPECT_EQ(graph.nodes[6].integer("axis"), 0);
  const Value& codes = graph.value(graph.nodes[6].inputs[0]);
  EXPECT_EQ(codes.type.dtype, Dtype::i8);
  EXPECT_EQ(codes.data.shape, (Shape{6, 9}));
  EXPECT_EQ(graph.value(graph.nodes[6].inputs[1]).data.shape, (Shape{6}));
}

TEST(QuantizeLayers, EachOutputsGreatestWeightIsCode127) {
  const Graph graph = with_types({kInt8, kFloat, kFloat});
  EXPECT_EQ(ops(graph), "QuantizeLinear DequantizeLinear DequantizeLinear Conv Reshape MatMul Gemm");
  const Value& codes = graph.value(graph.nodes[2].inputs[0]);
  const Value& scales = graph.value(graph.nodes[2].inputs[1]);
  const Graph floats = parse_graph(kNetwork, test::number_constant);
  const Value& weight = floats.value(floats.nodes[0].inputs[1]);
  for (std::size_t output = 0; output < 3; ++output) {
    const double scale = number(scales, output);
    int greatest = 0;
    for (std::size_t i = output * 18; i < (output + 1) * 18; ++i) {
      const int code = static_cast<std::int8_t>(codes.data.data[i]);
      greatest = std::max(greatest, std::abs(code));
      EXPECT_LE(std::abs(code * scale - double{number(weight, i)}), scale / 2 * 1.00001);
    }
    EXPECT_EQ(greatest, 127);
  }
}

TEST(QuantizeLayers, LayersInBf16AreLinears) {
  const Graph graph = with_types({kInt8, kBf16, kFloat});
  EXPECT_EQ(ops(graph), "QuantizeLinear DequantizeLinear DequantizeLinear Conv Reshape Linear Linear");
  EXPECT_EQ(graph.value(graph.nodes[5].inputs[1]).type.dtype, Dtype::bf16);
  EXPECT_EQ(graph.value(graph.nodes[5].inputs[1]).data.shape, (Shape{4, 9}));
  EXPECT_EQ(graph.value(graph.nodes[6].inputs[1]).type.dtype, Dtype::f32);
}

TEST(QuantizeLayers, ConvolutionsInBf16HaveTheNearestWeights) {
  const Graph graph = with_types({kBf16, kFloat, kInt8});
  EXPECT_EQ(ops(graph), "Conv Reshape MatMul QuantizeLinear DequantizeLinear DequantizeLinear Gemm");
  const Value& rounded = graph.value(graph.nodes[0].inputs[1]);
  EXPECT_EQ(rounded.type.dtype, Dtype::bf16);
  EXPECT_EQ(rounded.data.shape, (Shape{3, 2, 3, 3}));
  const Graph floats = parse_graph(kNetwork, test::number_constant);
  const Value& weight = floats.value(floats.nodes[0].inputs[1]);
  for (std::size_t i = 0; i < 54; ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, rounded.data.data + i * sizeof bits, sizeof bits);
    const double exact = double{number(weight, i)};
    EXPECT_NEAR(double{bfloat_to_float(bits)}, exact, std::abs(exact) / 256);
  }
}

TEST(QuantizeLayers, CodesAreUnsignedWhereThatMakesStepsFiner) {
  const InputCodes both = input_codes({-2, 4});
  EXPECT_EQ(both.dtype, Dtype::u8);  // 6 / 255 is less than 4 / 127
  EXPECT_FLOAT_EQ(both.scale, 6.0F / 255);
  EXPECT_EQ(both.zero_point, 85);
  const InputCodes even = input_codes({-4, 3.5F});
  EXPECT_EQ(even.dtype, Dtype::i8);
  EXPECT_FLOAT_EQ(even.scale, 4.0F / 127);
  EXPECT_EQ(even.zero_point, 0);
  const InputCodes positive = input_codes({0.5F, 3});
  EXPECT_EQ(positive.dtype, Dtype::u8);
  EXPECT_FLOAT_EQ(positive.scale, 3.0F / 255);
  EXPECT_EQ(positive.zero_point, 0);
  EXPECT_EQ(input_codes({0, 0}).scale, 1);
}

}  // namespace
}  // namespace lathe
