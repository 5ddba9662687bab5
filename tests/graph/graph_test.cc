// The builder: names, defaults, and what it refuses.
#include "graph/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"

namespace lathe {
namespace {

using testing::ElementsAre;

template <class Action>
std::string refused(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

TEST(Graph, NamesOutputsAfterTheirNode) {
  Graph graph;
  const auto x = graph.add_input("x", {Dtype::f32, {"S", 64}});
  EXPECT_EQ(graph.value(graph.add("Swish", "act", {x})).name, "act");
  const auto top = graph.add_node("TopK", "top", {x}, {{"k", 4}});
  EXPECT_EQ(graph.value(top[0]).name, "top.0");
  EXPECT_EQ(graph.value(top[1]).name, "top.1");
  EXPECT_EQ(graph.value(graph.add("Gelu", "", {x})).name, "Gelu");
  EXPECT_EQ(graph.nodes.back().name, "");
  verify(graph, "test");
}

TEST(Graph, MakesTakenNamesUnique) {
  Graph graph;
  const auto x = graph.add_input("x", {Dtype::f32, {"T", 64}});
  EXPECT_EQ(graph.value(graph.add("Swish", "a", {x})).name, "a");
  EXPECT_EQ(graph.value(graph.add("Swish", "a.1", {x})).name, "a.1");
  EXPECT_EQ(graph.value(graph.add("Swish", "a", {x})).name, "a.2");
  EXPECT_EQ(graph.nodes.back().name, "a.2");
  EXPECT_EQ(graph.value(graph.add("Swish", "x", {x})).name, "x.1");
  EXPECT_EQ(graph.nodes.back().name, "x");
  const TensorView view{nullptr, Dtype::f32, {64}};
  EXPECT_EQ(graph.value(graph.add_constant("a", view, nullptr)).name, "a.3");
  EXPECT_EQ(graph.value(graph.add_constant("w", view, nullptr)).name, "w");
  EXPECT_EQ(graph.value(graph.add_constant("w", view, nullptr)).name, "w.1");
  verify(graph, "test");
}

TEST(Graph, FillsInDefaults) {
  Graph graph;
  const auto x = graph.add_input("x", {Dtype::f32, {"T", 64}});
  const auto s = graph.add_input("s", {Dtype::f32, {64}});
  graph.add("RMSNormalization", "n", {x, s});
  EXPECT_EQ(graph.nodes[0].real("epsilon"), 1e-5);
  EXPECT_THROW((void)graph.nodes[0].integer("epsilon"), Error);
  EXPECT_THROW((void)graph.nodes[0].real("other"), Error);
}

TEST(Graph, RefusesBadNodes) {
  Graph graph;
  const auto x = graph.add_input("x", {Dtype::f32, {"T", 64}});
  EXPECT_THAT(refused([&] { graph.add("MatMulNBits", "m", {x}); }), testing::HasSubstr("MatMulNBits"));
  EXPECT_THAT(refused([&] { graph.add("Swish", "m", {x, x}); }), testing::HasSubstr("takes 1 inputs, not 2"));
  refused([&] { graph.add("Swish", "m", {}); });
  refused([&] { graph.add("Swish", "m", {-1}); });
  refused([&] { graph.add("Swish", "m", {7}); });
  EXPECT_THAT(refused([&] { graph.add("Swish", "m", {x}, {{"beta", 1.0}}); }), testing::HasSubstr("beta"));
  EXPECT_THAT(refused([&] { graph.add_node("TopK", "m", {x}); }), testing::HasSubstr("needs attribute k"));
  EXPECT_THAT(refused([&] {
                graph.add_node("TopK", "m", {x}, {{"k", 2.0}});
              }),
              testing::HasSubstr("an integer"));
  for (const double epsilon : {std::nan(""), std::numeric_limits<double>::infinity()})
    EXPECT_THAT(refused([&] {
                  graph.add("LayerNormalization", "m", {x, x}, {{"epsilon", epsilon}});
                }),
                testing::HasSubstr("a finite real"));
  EXPECT_EQ(graph.nodes.size(), 0u);
  EXPECT_EQ(graph.values.size(), 1u);
}

TEST(Graph, RefusesNamesThatAreTakenWhereTheCallerBindsThem) {
  Graph graph;
  const auto x = graph.add_input("x", {Dtype::f32, {"T", 64}});
  refused([&] { graph.add_input("x", {Dtype::f32, {4}}); });
  refused([&] { graph.add_input("", {Dtype::f32, {4}}); });
  graph.add_output("y", x);
  refused([&] { graph.add_output("y", x); });
  refused([&] { graph.add_output("z", 9); });
  refused([&] { graph.add_node_as("Swish", "n", {"x"}, {x}); });
  refused([&] { graph.add_node_as("Swish", "m", {"a", "b"}, {x}); });
  graph.add_node_as("Swish", "k", {"a"}, {x});
  refused([&] { graph.add_node_as("Swish", "k", {"b"}, {x}); });
}

TEST(Graph, RefusesImpossibleTypes) {
  Graph graph;
  for (const ValueType& type : {
           ValueType{Dtype::f32, {-1}},
           ValueType{Dtype::f32, {kMaxDim + 1}},
           ValueType{Dtype::q4_0, {4, 33}},
           ValueType{Dtype::q6_k, {4, 32}},
           ValueType{Dtype::q8_0, {4, "K"}},
           ValueType{Dtype::q8_0, {}},
           ValueType{Dtype::packed4k, {16, 128}},
           ValueType{Dtype::a8, {"T", 31}},
       })
    refused([&] { graph.add_input("x", type); });
  try {
    graph.add_input("nine", {Dtype::f32, {1, 1, 1, 1, 1, 1, 1, 1, 1}});
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
  }
  EXPECT_EQ(graph.values.size(), 0u);
  graph.add_input("scalar", {Dtype::f32, {}});
  graph.add_input("empty", {Dtype::q8_0, {0, 0}});
  graph.add_input("eight", {Dtype::f32, {1, 1, 1, 1, 1, 1, 1, kMaxDim}});
}

TEST(Graph, RemovesUnusedValuesAndNumbersTheOthersAnew) {
  Graph graph;
  const TensorView view{nullptr, Dtype::f32, {64}};
  graph.add_constant("unused", view, nullptr);
  const auto x = graph.add_input("x", {Dtype::f32, {"T", 64}});
  const auto used = graph.add_constant("used", view, nullptr);
  const auto gone = graph.add("Swish", "gone", {x});
  const auto y = graph.add("Mul", "y", {x, used});
  (void)gone;
  graph.add_output("y", y);
  graph.nodes.erase(graph.nodes.begin());
  EXPECT_EQ(remove_unused_values(graph), 2u);
  verify(graph, "test");
  std::vector<std::string> names;
  for (const auto& value : graph.values) names.push_back(value.name);
  EXPECT_THAT(names, ElementsAre("x", "used", "y"));
  EXPECT_EQ(graph.value(graph.outputs[0]).name, "y");
  EXPECT_EQ(remove_unused_values(graph), 0u);
}

TEST(OpTable, IsSortedAndFoundByName) {
  const auto ops = all_ops();
  for (std::size_t i = 0; i < ops.size(); ++i) {
    EXPECT_TRUE(i == 0 || ops[i - 1].name < ops[i].name);
    EXPECT_EQ(find_op(ops[i].name), &ops[i]);
    EXPECT_NE(ops[i].infer == nullptr, ops[i].infer_values == nullptr) << ops[i].name;
    EXPECT_LT(ops[i].aliases_input, ops[i].max_inputs);
  }
  EXPECT_EQ(find_op("Ad"), nullptr);
  EXPECT_EQ(find_op("Zzz"), nullptr);
  EXPECT_EQ(find_op(""), nullptr);
}

}  // namespace
}  // namespace lathe
