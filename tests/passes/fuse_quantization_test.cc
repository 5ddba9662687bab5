#include <gmock/gmock.h>

#include "passes/before_expected.h"

namespace lathe {
namespace {

TEST(FuseQuantization, WritesCodesAlone) {
  expect_rewrite(fuse_quantization, R"g(graph g {
    %x: f32[T, 64] = input
    %w: f32[64] = constant
    %m: q8_0[32, 64] = constant
    %n: f32[T, 64] = RMSNormalization(%x, %w) {epsilon = 1e-05}
    %c: a8[T, 64] = QuantizeActivation(%n)
    %y: f32[T, 32] = QuantizedLinear(%c, %m)
    return y = %y
  })g",
                 R"g(graph g {
    %x: f32[T, 64] = input
    %w: f32[64] = constant
    %m: q8_0[32, 64] = constant
    %c: a8[T, 64] = RowProgram(%x, %w) {program = "o0 = quantize(rms(x0, x1, 1e-05))"}
    %y: f32[T, 32] = QuantizedLinear(%c, %m)
    return y = %y
})g");
}

TEST(FuseQuantization, KeepsTheNumbersThatOthersRead) {
  expect_rewrite(fuse_quantization, R"g(graph g {
    %a: f32[T, 2, 64] = input
    %b: f32[T, 2, 64] = input
    %s: f32[T, 2, 64], %p: f32[T, 2, 64] = RowProgram(%a, %b) {program = "o0 = add(x0, x1); o1 = swish(o0)"}
    %c: a8[T, 2, 64] = QuantizeActivation(%p)
    %d: a8[T, 2, 64] = QuantizeActivation(%s)
    return s = %s, c = %c, d = %d
})g",
                 R"g(graph g {
    %a: f32[T, 2, 64] = input
    %b: f32[T, 2, 64] = input
    %s: f32[T, 2, 64], %c: a8[T, 2, 64], %d: a8[T, 2, 64] = RowProgram(%a, %b) {program = "o0 = add(x0, x1); o1 = quantize(swish(o0)); o2 = quantize(o0)"
}
return s = % s, c = % c, d = % d
})g");
}

TEST(FuseQuantization, LeavesCodesOfWhatIsNotMadeOnRows) {
  constexpr std::string_view kGraph = R"g(graph g {
    %x: f32[T, 2, 32] = input
    %w: f32[32] = constant
    %m: f32[64, 64] = constant
    %n: f32[T, 2, 32] = RMSNormalization(%x, %w) {epsilon = 1e-05}
    %h: f32[T, 64] = MergeHeads(%n)
    %c: a8[T, 64] = QuantizeActivation(%h)
    %l: f32[T, 64] = Linear(%h, %m)
    %d: a8[T, 64] = QuantizeActivation(%l)
    return c = %c, d = %d
  })g";
  expect_rewrite(fuse_quantization, kGraph, kGraph);
}

TEST(FuseQuantization, TakesTheMarksOfFineColumns) {
  Graph graph = parse_graph(R"g(graph g {
    %x: f32[T, 64] = input
    %w: f32[64] = constant
    %fine: f32[64] = constant
    %norm: f32[T, 64] = RMSNormalization(%x, %w) {epsilon = 1e-05}
    %codes: a8[T, 64] = QuantizeActivation(%norm, %fine)
    return c = %codes
  })g");
  EXPECT_TRUE(fuse_quantization(graph, {}));
  verify(graph, "fuse_quantization");
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].text("program"), "o0 = quantize(rms(x0, x1, 1e-05), x2)");
}

TEST(FuseQuantization, JoinsAWholeLayersRowsBehindTheOtherPasses) {
  Graph graph = parse_graph(R"g(graph g {
    %x: f32[T, 64] = input
    %o: f32[T, 64] = input
    %w: f32[64] = constant
    %sum: f32[T, 64] = Add(%x, %o)
    %norm: f32[T, 64] = RMSNormalization(%sum, %w) {epsilon = 1e-05}
    %codes: a8[T, 64] = QuantizeActivation(%norm)
    return s = %sum, c = %codes
  })g");
  EXPECT_FALSE(fuse_pointwise(graph, {}));
  EXPECT_TRUE(fuse_normalization(graph, {}));
  EXPECT_TRUE(fuse_quantization(graph, {}));
  verify(graph, "fuse_quantization");
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].name, "sum + norm + codes");
  EXPECT_EQ(graph.nodes[0].text("program"), "o0 = add(x0, x1); o1 = quantize(rms(o0, x2, 1e-05))");
}

}  // namespace
}  // namespace lathe
