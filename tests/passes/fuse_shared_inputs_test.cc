#include "passes/before_expected.h"

namespace lathe {
namespace {

TEST(FuseSharedInputs, TakesQueriesKeysAndValues) {
  expect_rewrite(fuse_shared_inputs, R"g(graph g {
    %x: a8[T, 256] = input
    %q: q4_k[64, 256] = constant
    %k: q4_k[32, 256] = constant
    %v: q6_k[32, 256] = constant
    %b: f32[32] = constant
    %c: f32[32] = constant
    %qq: f32[T, 64] = QuantizedLinear(%x, %q)
    %kk: f32[T, 32] = FusedLinear(%x, %k, %b) {program = "o0 = add(w0, x0)", weights = 1}
    %heads: f32[T, 2, 32] = SplitHeads(%qq) {heads = 2}
    %vv: f32[T, 32] = FusedLinear(%x, %v, %c) {program = "t0 = add(w0, x0); o0 = t0", weights = 1}
    return q = %heads, k = %kk, v = %vv
  })g",
                 R"g(graph g {
    %x: a8[T, 256] = input
    %q: q4_k[64, 256] = constant
    %k: q4_k[32, 256] = constant
    %v: q6_k[32, 256] = constant
    %b: f32[32] = constant
    %c: f32[32] = constant
    %qq: f32[T, 64], %kk: f32[T, 32], %vv: f32[T, 32] = FusedLinear(%x, %q, %k, %v, %b, %c) {program = "o0 = w0; o1 = add(w1, x0); t0 = add(w2, x1); o2 = t0", weights = 3}
    %heads: f32[T, 2, 32] = SplitHeads(%qq) {heads = 2}
    return q = %heads, k = %kk, v = %vv
  })g");
}

TEST(FuseSharedInputs, LeavesWhatDependsOnAnother) {
  constexpr std::string_view kText = R"g(graph g {
    %x: f32[T, 30] = input
    %a: f32[30, 30] = constant
    %b: f32[30, 30] = constant
    %p: f32[T, 30] = Linear(%x, %a)
    %r: f32[T, 30] = FusedLinear(%x, %b, %p) {program = "o0 = add(x0, w0)", weights = 1}
    return r = %r
  })g";
  expect_rewrite(fuse_shared_inputs, kText, kText);
}

TEST(FuseSharedInputs, StopsAtEightWeights) {
  std::string text = "graph g {\n  %x: f32[T, 30] = input\n";
  for (int i = 0; i < 11; ++i) text += "  %w" + std::to_string(i) + ": f32[20, 30] = constant\n";
  std::string results;
  for (int i = 0; i < 11; ++i) {
    const auto number = std::to_string(i);
    text += "  %p" + number + ": f32[T, 20] = Linear(%x, %w" + number + ")\n";
    results += (i == 0 ? "r" : ", r") + number + " = %p" + number;
  }
  Graph graph = parse_graph(text + "  return " + results + "\n}");
  ASSERT_TRUE(fuse_shared_inputs(graph, {}));
  verify(graph, "the pass");
  ASSERT_EQ(graph.nodes.size(), 2u);
  EXPECT_EQ(graph.nodes[0].integer("weights"), 8);
  EXPECT_EQ(graph.nodes[1].integer("weights"), 3);
  EXPECT_FALSE(fuse_shared_inputs(graph, {}));
}

}  // namespace
}  // namespace lathe
