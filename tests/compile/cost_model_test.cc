// Modelled times against the formula at the head of cost_model.h, by hand.
#include "compile/cost_model.h"

#include <gtest/gtest.h>

namespace lathe {
namespace {

double seconds(const Graph& graph, const char* kernel_name, const char* arithmetic) {
  const Node& node = graph.nodes.front();
  const Kernel kernel{.name = kernel_name, .op = std::string(node.op->name), .arithmetic = arithmetic};
  KernelCandidate candidate;
  candidate.kernel = &kernel;
  for (const auto input : node.inputs) candidate.layouts.push_back(graph.value(input).type.dtype);
  return modelled_seconds(graph, node, candidate, SymbolValues(), 1);
}

constexpr double kOutputs = 32 * 20 * 20;
constexpr double kDepth = 64 * 3 * 3;
constexpr double kOperations = 2 * kOutputs * kDepth + 10 * kOutputs;

TEST(CostModel, ConvolutionsTakeTwoOperationsForEachProduct) {
  static const std::vector<float> kWeight(32 * 64 * 9);
  Graph graph;
  const auto x = graph.add_input("x", {Dtype::f32, {1, 64, 20, 20}});
  const auto weight = graph.add_constant(
      "w", {reinterpret_cast<const std::byte*>(kWeight.data()), Dtype::f32, {32, 64, 3, 3}}, nullptr);
  graph.add_output("y", graph.add("Conv", "y", {x, weight}, {{"pads", std::string("1, 1, 1, 1")}}));
  EXPECT_NEAR(seconds(graph, "portable.conv", "f32"), kOperations / 2e9, 1e-6);
  EXPECT_NEAR(seconds(graph, "avx512.conv", "f32"), kOperations / 3e10, 1e-6);
}

TEST(CostModel, TransformedTilesTake36ProductsFor16Outputs) {
  static const std::vector<float> kWeight(36 * 32 * 64);
  Graph graph;
  const auto x = graph.add_input("x", {Dtype::f32, {1, 64, 20, 20}});
  const auto weight = graph.add_constant(
      "w", {reinterpret_cast<const std::byte*>(kWeight.data()), Dtype::f32, {36, 32, 64}}, nullptr);
  const auto bias = graph.add_constant("b", {nullptr, Dtype::none, {}}, nullptr);
  graph.add_output("y",
                   graph.add("WinogradConv", "y", {x, weight, bias}, {{"pads", std::string("1, 1, 1, 1")}}));
  EXPECT_NEAR(seconds(graph, "avx2.winograd_conv", "f32"),
              (2 * kOutputs * 64 * 36 / 16 + 10 * kOutputs) / 2e10, 1e-6);
}

TEST(CostModel, ProductsOfCodesHaveTheRateOfIntegers) {
  static const std::vector<std::int8_t> kWeight(48 * 96);
  static const std::vector<float> kFactors(48);
  static const std::uint8_t kZero = 0;
  Graph graph;
  const auto x = graph.add_input("x", {Dtype::u8, {128, 96}});
  const auto weight = graph.add_constant(
      "w", {reinterpret_cast<const std::byte*>(kWeight.data()), Dtype::i8, {48, 96}}, nullptr);
  const auto factors = graph.add_constant(
      "f", {reinterpret_cast<const std::byte*>(kFactors.data()), Dtype::f32, {48}}, nullptr);
  const auto none = graph.add_constant("n", {nullptr, Dtype::none, {}}, nullptr);
  const auto zero =
      graph.add_constant("z", {reinterpret_cast<const std::byte*>(&kZero), Dtype::u8, {}}, nullptr);
  graph.add_output("y", graph.add("LinearCodes", "y", {x, weight, factors, none, zero}));
  const double operations = 2.0 * 128 * 48 * 96 + 10.0 * 128 * 48;
  EXPECT_NEAR(seconds(graph, "portable.linear_codes", "int8"), operations / 1.5e9, 1e-6);
  EXPECT_NEAR(seconds(graph, "avx512.linear_codes", "int8"), operations / 1.5e11, 6e-6);
}

}  // namespace
}  // namespace lathe
