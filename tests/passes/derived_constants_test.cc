#include "passes/derived_constants.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "passes/pass.h"
#include "passes/quantize_layers.h"
#include "support/number_constants.h"

namespace lathe {
namespace {

Graph network() {
  return parse_graph(R"(graph g {
    %x: f32[2, 8] = input
    %w: f32[8, 4] = constant "random w"
    %y: f32[2, 4] = MatMul(%x, %w)
    return y = %y
  })",
                     test::number_constant);
}

const std::byte* weight_of(const Graph& graph) { return graph.value(graph.nodes.back().inputs[1]).data.data; }

TEST(DerivedConstants, CopiesOfAGraphGetTheSameWeights) {
  const Graph graph = network();
  DerivedConstants derived;
  PassContext context;
  context.derived = &derived;
  Graph first = graph, second = graph, alone = graph;
  ASSERT_TRUE(matmul_to_linear(first, context));
  ASSERT_TRUE(matmul_to_linear(second, context));
  ASSERT_TRUE(matmul_to_linear(alone, {}));
  EXPECT_EQ(weight_of(first), weight_of(second));
  EXPECT_NE(weight_of(first), weight_of(alone));
  EXPECT_EQ(print(first), print(alone));
}

TEST(DerivedConstants, CodesOfAWeightAreMadeOnce) {
  const Graph graph = network();
  DerivedConstants derived;
  const auto codes_of = [&](DerivedConstants* known) {
    Graph typed = graph;
    const std::vector types = {LayerType::int8};
    const std::vector ranges = {ValueRange{-2, 4}};
    set_layer_types(typed, find_weighted_layers(typed, known), types, ranges, known);
    const auto found = std::ranges::find(typed.values, "random w.codes", &Value::name);
    EXPECT_NE(found, typed.values.end());
    return *found;
  };
  const Value first = codes_of(&derived);
  EXPECT_EQ(codes_of(&derived).data.data, first.data.data);
  const Value alone = codes_of(nullptr);
  EXPECT_NE(alone.data.data, first.data.data);
  ASSERT_EQ(alone.data.bytes(), 8 * 4);
  EXPECT_EQ(std::memcmp(first.data.data, alone.data.data, 8 * 4), 0);
}

TEST(DerivedConstants, OtherWordsShapesAndBytesAreMadeAnew) {
  const std::vector<float> bytes(6);
  const auto value = [&](std::size_t first, Shape shape) {
    Value result;
    result.data = {reinterpret_cast<const std::byte*>(bytes.data() + first), Dtype::f32, std::move(shape)};
    return result;
  };
  DerivedConstants derived;
  int made = 0;
  const auto make = [&made] {
    ++made;
    return std::vector<ConstantData>(1);
  };
  for (int again = 0; again < 2; ++again) {
    derived.get(value(0, {4}), "a", make);
    derived.get(value(0, {4}), "b", make);
    derived.get(value(0, {2, 2}), "a", make);
    derived.get(value(2, {4}), "a", make);
  }
  EXPECT_EQ(made, 4);
}

}  // namespace
}  // namespace lathe
