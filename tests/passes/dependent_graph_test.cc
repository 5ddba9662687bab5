#include "passes/dependent_graph.h"

#include "passes/before_expected.h"

namespace lathe {
namespace {

bool anything(const Value&) { return true; }

std::size_t position_of(const Graph& graph, std::string_view name) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    if (graph.nodes[i].name == name) return i;
  throw std::runtime_error("no such node");
}

/// %r is a view, %s and %t are on both sides of %a.
constexpr std::string_view kNetwork = R"(graph g {
    %x: f32[2, 8] = input
    %unused: f32[2, 8] = input
    %s: f32[2, 8] = Relu(%x)
    %r: f32[4, 4] = Reshape(%s) {shape = "4, 4"}
    %t: f32[4, 4] = Exp(%r)
    %a: f32[4, 4] = Sqrt(%r)
    %b: f32[4, 4] = Add(%a, %t)
    %c: f32[2, 8] = Add(%s, %unused)
    return b = %b, c = %c, a = %a
  })";

TEST(DependentGraph, KeepsWhatDependsOnTheNodeAndTakesTheRestAsInputs) {
  const Graph graph = parse_graph(kNetwork);
  const Graph part = dependent_graph(graph, position_of(graph, "a"), anything);
  verify(part, "part");
  Graph clean = part;
  remove_unused_values(clean);
  EXPECT_EQ(print(clean), print(parse_graph(R"(graph g {
  %s: f32[2, 8] = input
  %t: f32[4, 4] = input
  %r: f32[4, 4] = Reshape(%s) {shape = "4, 4"}
  %a: f32[4, 4] = Sqrt(%r)
  %b: f32[4, 4] = Add(%a, %t)
  return b = %b, a = %a
})")));
}

TEST(DependentGraph, WhatIsNotGivenIsComputedAnew) {
  const Graph graph = parse_graph(kNetwork);
  const auto given = [](const Value& value) { return value.name != "t" && value.name != "s"; };
  Graph part = dependent_graph(graph, position_of(graph, "b"), given);
  verify(part, "part");
  remove_unused_values(part);
  EXPECT_EQ(print(part), print(parse_graph(R"(graph g {
  %x: f32[2, 8] = input
  %a: f32[4, 4] = input
  %s: f32[2, 8] = Relu(%x)
  %r: f32[4, 4] = Reshape(%s) {shape = "4, 4"}
  %t: f32[4, 4] = Exp(%r)
  %b: f32[4, 4] = Add(%a, %t)
  return b = %b
})")));
}

TEST(DependentGraph, ANodeThatNoOutputDependsOnHasNone) {
  const Graph graph = parse_graph(R"(graph g {
    %x: f32[2] = input
    %a: f32[2] = Exp(%x)
    %b: f32[2] = Relu(%x)
    return b = %b
  })");
  EXPECT_TRUE(dependent_graph(graph, 0, anything).outputs.empty());
}

}  // namespace
}  // namespace lathe
