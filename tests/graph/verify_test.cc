// Each rule of the contract: a sound graph is broken in one place, and verify names the stage and the place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>

#include "base/error.h"
#include "graph/graph.h"

namespace lathe {
namespace {

constexpr std::string_view kText = R"(graph g {
  %cache: f32[1, P, 2, 1, 512] = state
  %x: f32[T, 8] = input
  %s: i32[Q, 4] = input
  %b: i32[B] = input
  %w: f32[8] = constant
  %n: f32[T, 8] = RMSNormalization(%x, %w) {epsilon = 1e-05}
  %k: f32[T, 1, 8] = SplitHeads(%n) {heads = 1}
  %w1: f32[1, P, 2, 1, 512] = KvWrite(%cache, %k, %k, %s, %b) {layer = 0}
  %a: f32[T, 1, 8] = PagedAttention(%k, %w1, %s, %b) {layer = 0, scale = 1, window = 0, softcap = 0, causal = 1}
  %y: f32[T, 8] = MergeHeads(%a)
  return y = %y, n = %n
})";

ValueId id_of(const Graph& graph, std::string_view name) {
  for (std::size_t i = 0; i < graph.values.size(); ++i)
    if (graph.values[i].name == name) return static_cast<ValueId>(i);
  return -1;
}

struct Break {
  std::function<void(Graph&)> action;
  std::string message;
};

TEST(Verify, AcceptsTheSoundGraph) { verify(parse_graph(kText), "test"); }

TEST(Verify, RefusesEachBreach) {
  const std::vector<Break> breaks = {
      {[](Graph& g) { g.values[1].name = ""; }, "has no name"},
      {[](Graph& g) { g.values[1].name = "s"; }, "value s: its name is taken"},
      {[](Graph& g) { g.values[1].type.dims[0] = -5; }, "dimension -5"},
      {[](Graph& g) { g.value(id_of(g, "w")).data.shape = {9}; }, "the constant's data is not f32[8]"},
      {[](Graph& g) { g.value(id_of(g, "w")).data.dtype = Dtype::f16; }, "the constant's data is not f32[8]"},
      {[](Graph& g) {
         static const std::array<std::byte, 4> bytes{};
         g.value(id_of(g, "x")).data.data = bytes.data();
       },
       "has data, and is no constant"},
      {[](Graph& g) { g.nodes[0].op = nullptr; }, "not a row of the table"},
      {[](Graph& g) {
         static const Op copy = *find_op("Swish");
         g.nodes[0].op = &copy;
       },
       "not a row of the table"},
      {[](Graph& g) { g.nodes[1].name = g.nodes[0].name; }, "node 1 n: SplitHeads: its name is taken"},
      {[](Graph& g) { g.nodes[0].inputs.pop_back(); }, "wrong number of inputs"},
      {[](Graph& g) { g.nodes[0].inputs.push_back(0); }, "wrong number of inputs"},
      {[](Graph& g) { g.nodes[0].outputs.clear(); }, "wrong number of outputs"},
      {[](Graph& g) { g.nodes[0].inputs[0] = -1; }, "out of range"},
      {[](Graph& g) { g.nodes[0].inputs[0] = 1000; }, "out of range"},
      {[](Graph& g) { g.nodes[0].outputs[0] = 1000; }, "out of range"},
      {[](Graph& g) { std::swap(g.nodes[0], g.nodes[1]); }, "value n is used before it is defined"},
      {[](Graph& g) { g.nodes[0].outputs[0] = id_of(g, "x"); }, "is an output, and not a computed value"},
      {[](Graph& g) {
         g.nodes.push_back(g.nodes[0]);
         g.nodes.back().name = "again";
       },
       "value n is defined twice"},
      {[](Graph& g) { g.nodes[0].attributes.clear(); }, "attributes are not complete"},
      {[](Graph& g) { g.nodes[0].attributes["other"] = 1.0; }, "no attribute other"},
      {[](Graph& g) { g.nodes[0].attributes["epsilon"] = std::int64_t{1}; }, "a finite real"},
      {[](Graph& g) { g.nodes[1].attributes["heads"] = std::int64_t{3}; }, "3 heads"},
      {[](Graph& g) { g.value(id_of(g, "n")).type.dims[1] = 9; },
       "value n is f32[T, 9], and its op gives f32[T, 8]"},
      {[](Graph& g) { g.nodes[3].inputs[1] = id_of(g, "cache"); },
       "value cache is used after the state was written"},
      {[](Graph& g) {
         g.add_node("KvWrite", "w2", g.nodes[2].inputs, {{"layer", 0}});
       },
       "value cache is used after the state was written"},
      {[](Graph& g) {
         auto inputs = g.nodes[2].inputs;
         inputs[0] = id_of(g, "w1");
         g.add_node("KvWrite", "w2", inputs, {{"layer", 0}});
         g.add_output("cache", id_of(g, "w1"));
       },
       "output cache: value w1 is used after the state was written"},
      {[](Graph& g) { g.value(id_of(g, "cache")).kind = ValueKind::input; },
       "changes value cache, which is no state"},
      {[](Graph& g) { g.outputs.pop_back(); }, "one name for each"},
      {[](Graph& g) { g.output_names[1] = ""; }, "has no name"},
      {[](Graph& g) { g.output_names[1] = "y"; }, "output y: its name is taken"},
      {[](Graph& g) { g.outputs[1] = -7; }, "out of range"},
      {[](Graph& g) { g.nodes.pop_back(); }, "output y: value y is used before it is defined"},
  };
  for (const auto& each : breaks) {
    SCOPED_TRACE(each.message);
    Graph graph = parse_graph(kText);
    each.action(graph);
    try {
      verify(graph, "the_stage");
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::internal);
      EXPECT_THAT(error.what(), testing::HasSubstr("the_stage"));
      EXPECT_THAT(error.what(), testing::HasSubstr(each.message));
    }
  }
}

TEST(Verify, FollowsStatesThroughSeveralWrites) {
  Graph graph = parse_graph(kText);
  auto inputs = graph.nodes[2].inputs;
  inputs[0] = id_of(graph, "w1");
  const auto w2 = graph.add_node("KvWrite", "w2", inputs, {{"layer", 0}});
  graph.add_node("PagedAttention", "a2", {id_of(graph, "k"), w2[0], id_of(graph, "s"), id_of(graph, "b")},
                 {{"layer", 0}, {"scale", 1.0}});
  graph.add_output("cache", w2[0]);
  verify(graph, "test");
}

}  // namespace
}  // namespace lathe
