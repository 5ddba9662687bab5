#include <gmock/gmock.h>

#include "graph/fused_program.h"
#include "passes/before_expected.h"
#include "support/number_constants.h"

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

TEST(FusePointwise, JoinsActivationsAndArithmeticWithNumbers) {
  expect_rewrite(fuse_pointwise, R"g(graph g {
    %a: f32[2, 3, 8, 8] = input
    %b: f32[2, 3, 8, 8] = input
    %row: f32[1, 1, 1, 8] = constant "random row"
    %half: f32[] = constant "0.5"
    %two: f32[1, 1] = constant "2"
    %c: f32[2, 3, 8, 8] = Sub(%a, %b)
    %d: f32[2, 3, 8, 8] = Relu(%c)
    %e: f32[2, 3, 8, 8] = Div(%d, %two)
    %f: f32[2, 3, 8, 8] = Clip(%e) {min = 0, max = 6}
    %g: f32[2, 3, 8, 8] = Max(%f, %row)
    %h: f32[2, 3, 8, 8] = Min(%half, %g)
    %i: f32[2, 3, 8, 8] = LeakyRelu(%h) {alpha = 0.25}
    %j: f32[2, 3, 8, 8] = PRelu(%i, %half)
    %k: f32[2, 3, 8, 8] = HardSigmoid(%j) {alpha = 0.25, beta = 0.5}
    %l: f32[2, 3, 8, 8] = HardSwish(%k)
    %y: f32[2, 3, 8, 8] = Pow(%l, %two)
    return y = %y
  })g",
                 R"g(graph g {
    %a: f32[2, 3, 8, 8] = input
    %b: f32[2, 3, 8, 8] = input
    %row: f32[1, 1, 1, 8] = constant "random row"
    %half: f32[] = constant "0.5"
    %two: f32[1, 1] = constant "2"
    %y: f32[2, 3, 8, 8] = RowProgram(%a, %b, %two, %row, %half) {program = "t0 = hard_swish(hard_sigmoid(leaky_relu(leaky_relu(min(x4, max(clip(div(relu(sub(x0, x1)), x2), 0, 6), x3)), 0.25), 0.5), 0.25, 0.5)); o0 = mul(t0, t0)"}
    return y = %y
  })g",
                 {}, test::number_constant, test::number_constant);
}

TEST(FusePointwise, JoinsFunctionsOfOneNumber) {
  expect_rewrite(fuse_pointwise, R"g(graph g {
    %a: f32[T, 64] = input
    %b: f32[T, 64] = Abs(%a)
    %c: f32[T, 64] = Sqrt(%b)
    %d: f32[T, 64] = Neg(%c)
    %e: f32[T, 64] = Exp(%d)
    %f: f32[T, 64] = Erf(%e)
    %g: f32[T, 64] = Reciprocal(%f)
    %y: f32[T, 64] = Sigmoid(%g)
    return y = %y
  })g",
                 R"g(graph g {
    %a: f32[T, 64] = input
    %y: f32[T, 64] = RowProgram(%a) {program = "o0 = sigmoid(reciprocal(erf(exp(neg(sqrt(abs(x0)))))))"}
    return y = %y
  })g");
}

/// Attributes that no float holds, slopes that are no number, and sizes that only a run knows.
TEST(FusePointwise, LeavesWhatProgramsCannotSay) {
  constexpr std::string_view kGraph = R"g(graph g {
    %a: f32[T, 64] = input
    %n: f32["?", 64] = input
    %slopes: f32[64] = constant "random slopes"
    %b: f32[T, 64] = LeakyRelu(%a) {alpha = 0.3}
    %c: f32[T, 64] = PRelu(%b, %slopes)
    %d: f32[T, 64] = Clip(%c) {min = 1e39, max = 1e40}
    %e: f32[T, 64] = Elu(%d) {alpha = 1}
    %y: f32[T, 64] = Relu(%e)
    %o: f32["?", 64] = Relu(%n)
    %z: f32["?", 64] = Sqrt(%o)
    return y = %y, z = %z
  })g";
  expect_rewrite(fuse_pointwise, kGraph, kGraph, {}, test::number_constant, test::number_constant);
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
