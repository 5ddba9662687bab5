#include <gmock/gmock.h>

#include "graph/fused_program.h"
#include "passes/before_expected.h"

namespace lathe {
namespace {

TEST(FusePointwise, JoinsAnActivationAndItsGate) {
  expect_rewrite(fuse_pointwise, R"g(graph g {
    %g: f32[T, 64] = input
    %u: f32[T, 64] = input
    %s: f32[T, 64] = Swish(%g)
    %y: f32[T, 64] = Mul(%s, %u)
    return y = %y
  })g",
                 R"g(graph g {
    %g: f32[T, 64] = input
    %u: f32[T, 64] = input
    %y: f32[T, 64] = RowProgram(%g, %u) {program = "o0 = mul(swish(x0), x1)"
}
return y = % y
})g");
}

TEST(FusePointwise, JoinsTreesWithRowsAndNumbers) {
  expect_rewrite(fuse_pointwise, R"g(graph g {
    %a: f32[T, 2, 64] = input
    %b: f32[T, 2, 64] = input
    %row: f32[64] = constant
    %one: f32[1] = constant
    %ga: f32[T, 2, 64] = Gelu(%a) {approximate = 0}
    %gb: f32[T, 2, 64] = Gelu(%b) {approximate = 1}
    %sa: f32[T, 2, 64] = Mul(%ga, %one)
    %sb: f32[T, 2, 64] = Add(%gb, %row)
    %sum: f32[T, 2, 64] = Add(%sa, %sb)
    %t: f32[T, 2, 64] = Tanh(%sum)
    return y = %t
  })g",
                 R"g(graph g {
    %a: f32[T, 2, 64] = input
    %b: f32[T, 2, 64] = input
    %row: f32[64] = constant
    %one: f32[1] = constant
    %t: f32[T, 2, 64] = RowProgram(%b, %row, %a, %one) {program = "t0 = add(gelu_tanh(x0), x1); o0 = tanh(add(mul(gelu(x2), x3), t0))"
}
return y = % t
})g");
}

TEST(FusePointwise, KeepsNamesAndSaysWhatWasJoined) {
  Graph graph = parse_graph(R"g(graph g {
    %g: f32[T, 64] = input
    %u: f32[T, 64] = input
    %act: f32[T, 64] = Swish(%g)
    %gated: f32[T, 64] = Mul(%act, %u)
    return y = %gated
  })g");
  ASSERT_TRUE(fuse_pointwise(graph, {}));
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].name, "act + gated");
  EXPECT_EQ(graph.value(graph.nodes[0].outputs[0]).name, "gated");
}

TEST(FusePointwise, LeavesWhatOthersReadAndWhatIsOnOtherRows) {
  constexpr std::string_view kGraph = R"g(graph g {
    %a: f32[T, 64] = input
    %b: f32[64] = input
    %r: i32[S] = input
    %shared: f32[T, 64] = Swish(%a)
    %x: f32[T, 64] = Tanh(%shared)
    %y: f32[T, 64] = Gelu(%shared) {approximate = 0}
    %returned: f32[T, 64] = Swish(%x)
    %z: f32[T, 64] = Tanh(%returned)
    %row: f32[64] = Tanh(%b)
    %w: f32[T, 64] = Mul(%y, %row)
    %some: f32[S, 64] = Gather(%w, %r)
    %v: f32[S, 64] = Tanh(%some)
    return r = %returned, z = %z, v = %v
  })g";
  constexpr std::string_view kExpected = R"g(graph g {
    %a: f32[T, 64] = input
    %b: f32[64] = input
    %r: i32[S] = input
    %shared: f32[T, 64] = Swish(%a)
    %returned: f32[T, 64] = RowProgram(%shared) {program = "o0 = swish(tanh(x0))"
}
% z : f32[T, 64] = Tanh(% returned) % row : f32[64] = Tanh(% b) % w
    : f32[T, 64] = RowProgram(% shared, % row){program = "o0 = mul(gelu(x0), x1)"} % some : f32[S, 64] =
                       Gather(% w, % r) % v : f32[S, 64] = Tanh(% some) return r = % returned,
             z = % z, v = % v
})g";
  expect_rewrite(fuse_pointwise, kGraph, kExpected);
}

TEST(FusePointwise, LeavesOnnxBroadcastsOfOtherShapes) {
  constexpr std::string_view kGraph = R"g(graph g {
    %a: f32[4, 64] = input
    %column: f32[4, 1] = input
    %s: f32[4, 64] = Swish(%a)
    %y: f32[4, 64] = Mul(%s, %column)
    return y = %y
  })g";
  expect_rewrite(fuse_pointwise, kGraph, kGraph);
}

TEST(FusePointwise, JoinsANumberInFrontOfRows) {
  expect_rewrite(fuse_pointwise, R"g(graph g {
    %a: f32[4, 64] = input
    %one: f32[1] = constant
    %y: f32[4, 64] = Add(%one, %a)
    %z: f32[4, 64] = Mul(%y, %y)
    return z = %z
  })g",
                 R"g(graph g {
    %a: f32[4, 64] = input
    %one: f32[1] = constant
    %z: f32[4, 64] = RowProgram(%a, %one) {program = "t0 = add(x1, x0); o0 = mul(t0, t0)"
}
return z = % z
})g");
}

/// `count` nodes, one behind the other, each with an input of its own.
std::string chain(int count) {
  std::string inputs;
  std::string nodes;
  for (int i = 0; i < count; ++i) {
    const auto number = std::to_string(i);
    inputs += "%x" + number + ": f32[T, 64] = input\n";
    nodes += "%y" + number + ": f32[T, 64] = Add(" + (i == 0 ? "%x" : "%y") +
             std::to_string(i == 0 ? 0 : i - 1) + ", %x" + number + ")\n";
  }
  return "graph g {\n" + inputs + nodes + "return y = %y" + std::to_string(count - 1) + "\n}";
}

TEST(FusePointwise, StopsAtWhatAProgramHolds) {
  Graph graph = parse_graph(chain(40));
  ASSERT_TRUE(fuse_pointwise(graph, {}));
  verify(graph, "fuse_pointwise");
  ASSERT_EQ(graph.nodes.size(), 3u);
  EXPECT_EQ(graph.nodes[0].inputs.size(), static_cast<std::size_t>(kMaxFusedInputs));
  EXPECT_FALSE(fuse_pointwise(graph, {}));
}

/// The sum of 2^depth inputs, level by level: every level is complete before the next.
TEST(FusePointwise, HoldsNoMoreResultsThanThereAreTemporaries) {
  Graph graph;
  const ValueId x = graph.add_input("x", {Dtype::f32, {"T", 64}});
  std::vector<ValueId> level;
  for (int i = 0; i < 12; ++i) level.push_back(graph.add("Swish", "s" + std::to_string(i), {x}));
  while (level.size() > 1) {
    std::vector<ValueId> next;
    for (std::size_t i = 0; i + 1 < level.size(); i += 2)
      next.push_back(graph.add("Add", "", {level[i], level[i + 1]}));
    if (level.size() % 2 == 1) next.push_back(level.back());
    level = next;
  }
  graph.add_output("y", level[0]);
  ASSERT_TRUE(fuse_pointwise(graph, {}));
  verify(graph, "fuse_pointwise");
  EXPECT_LT(graph.nodes.size(), 6u);
}

}  // namespace
}  // namespace lathe
