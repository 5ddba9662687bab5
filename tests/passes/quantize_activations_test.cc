#include "passes/before_expected.h"

namespace lathe {
namespace {

constexpr std::string_view kBefore = R"(graph g {
  %x: f32[T, 256] = input
  %q: q4_1[64, 256] = constant
  %k: q6_k[32, 256] = constant
  %dense: f16[32, 256] = constant
  %blk.0.q: f32[T, 64] = Linear(%x, %q)
  %blk.0.k: f32[T, 32] = Linear(%x, %k)
  %blk.0.d: f32[T, 32] = Linear(%x, %dense)
  return q = %blk.0.q, k = %blk.0.k, d = %blk.0.d
})";

TEST(QuantizeActivations, LowersBlockQuantizedWeightsAlone) {
  expect_rewrite(quantize_activations, kBefore, R"(graph g {
    %x: f32[T, 256] = input
    %q: q4_1[64, 256] = constant
    %k: q6_k[32, 256] = constant
    %dense: f16[32, 256] = constant
    %a: a8[T, 256] = QuantizeActivation(%x)
    %b: f32[T, 64] = QuantizedLinear(%a, %q)
    %c: a8[T, 256] = QuantizeActivation(%x)
    %d: f32[T, 32] = QuantizedLinear(%c, %k)
    %e: f32[T, 32] = Linear(%x, %dense)
    return q = %b, k = %d, d = %e
  })");
}

TEST(QuantizeActivations, ScalesOfMoreColumnsDivideTheRow) {
  PassContext context;
  context.activations.group = 256;
  expect_rewrite(quantize_activations, R"(graph g {
    %x: f32[T, 576] = input
    %q: q4_1[64, 576] = constant
    %y: f32[T, 64] = Linear(%x, %q)
    return y = %y
  })",
                 R"(graph g {
    %x: f32[T, 576] = input
    %q: q4_1[64, 576] = constant
    %a: a8[T, 576] = RangedQuantizeActivation(%x) {group = 192}
    %y: f32[T, 64] = QuantizedLinear(%a, %q)
    return y = %y
  })",
                 context);
}

TEST(QuantizeActivations, KnownRangesAreAConstantThatMatricesShare) {
  PassContext context;
  context.activations.ranges["q"] = {-1, -2, 3, 4};
  context.activations.ranges["k"] = {-1, -2, 3, 4};
  Graph graph = parse_graph(R"(graph g {
    %x: f32[T, 64] = input
    %q: q4_1[32, 64] = constant
    %k: q4_1[8, 64] = constant
    %a: f32[T, 32] = Linear(%x, %q)
    %b: f32[T, 8] = Linear(%x, %k)
    return a = %a, b = %b
  })");
  EXPECT_TRUE(quantize_activations(graph, context));
  verify(graph, "the pass");
  EXPECT_TRUE(merge_common_subexpressions(graph, context));
  EXPECT_EQ(canonical_text(graph), canonical_text(parse_graph(R"(graph g {
    %x: f32[T, 64] = input
    %q: q4_1[32, 64] = constant
    %k: q4_1[8, 64] = constant
    %x.ranges: f32[2, 2] = constant
    %c: a8[T, 64] = RangedQuantizeActivation(%x, %x.ranges)
    %a: f32[T, 32] = QuantizedLinear(%c, %q)
    %b: f32[T, 8] = QuantizedLinear(%c, %k)
    return a = %a, b = %b
  })")));
}

TEST(QuantizeActivations, FineColumnsAreMarkedInAConstantThatMatricesShare) {
  PassContext context;
  context.activations.fine["q"] = {3, 40};
  context.activations.fine["k"] = {3, 40};
  Graph graph = parse_graph(R"(graph g {
    %x: f32[T, 64] = input
    %q: q4_1[32, 64] = constant
    %k: q4_1[8, 64] = constant
    %a: f32[T, 32] = Linear(%x, %q)
    %b: f32[T, 8] = Linear(%x, %k)
    return a = %a, b = %b
  })");
  EXPECT_TRUE(quantize_activations(graph, context));
  verify(graph, "the pass");
  EXPECT_TRUE(merge_common_subexpressions(graph, context));
  for (const auto& value : graph.values) {
    if (value.name != "x.fine") continue;
    const auto* marks = reinterpret_cast<const float*>(value.data.data);
    for (int i = 0; i < 64; ++i) EXPECT_EQ(marks[i], i == 3 || i == 40 ? 1.0f : 0.0f) << i;
  }
  EXPECT_EQ(canonical_text(graph), canonical_text(parse_graph(R"(graph g {
    %x: f32[T, 64] = input
    %q: q4_1[32, 64] = constant
    %k: q4_1[8, 64] = constant
    %x.fine: f32[64] = constant
    %c: a8[T, 64] = QuantizeActivation(%x, %x.fine)
    %a: f32[T, 32] = QuantizedLinear(%c, %q)
    %b: f32[T, 8] = QuantizedLinear(%c, %k)
    return a = %a, b = %b
  })")));
}

TEST(QuantizeActivations, KnownRangesMayHaveFineColumns) {
  PassContext context;
  context.activations.ranges["q"] = {-1, -2, 3, 4};
  context.activations.fine["q"] = {5};
  Graph graph = parse_graph(R"(graph g {
    %x: f32[T, 64] = input
    %q: q4_1[32, 64] = constant
    %a: f32[T, 32] = Linear(%x, %q)
    return a = %a
  })");
  EXPECT_TRUE(quantize_activations(graph, context));
  verify(graph, "the pass");
  EXPECT_EQ(canonical_text(graph), canonical_text(parse_graph(R"(graph g {
    %x: f32[T, 64] = input
    %q: q4_1[32, 64] = constant
    %x.ranges: f32[2, 2] = constant
    %x.fine: f32[64] = constant
    %c: a8[T, 64] = RangedQuantizeActivation(%x, %x.ranges, %x.fine)
    %a: f32[T, 32] = QuantizedLinear(%c, %q)
    return a = %a
  })")));
}

TEST(QuantizeActivations, LowersExpertsAndTheirSlots) {
  expect_rewrite(quantize_activations, R"(graph g {
    %x: f32[T, 64] = input
    %chosen: i32[T, 2] = input
    %up: q4_0[8, 32, 64] = constant
    %down: q8_0[8, 64, 32] = constant
    %dense: f16[8, 10, 64] = constant
    %u: f32[T, 2, 32] = ExpertLinear(%x, %up, %chosen)
    %d: f32[T, 2, 64] = ExpertLinear(%u, %down, %chosen)
    %f: f32[T, 2, 10] = ExpertLinear(%d, %dense, %chosen)
    return f = %f
  })",
                 R"(graph g {
    %x: f32[T, 64] = input
    %chosen: i32[T, 2] = input
    %up: q4_0[8, 32, 64] = constant
    %down: q8_0[8, 64, 32] = constant
    %dense: f16[8, 10, 64] = constant
    %a: a8[T, 64] = QuantizeActivation(%x)
    %u: f32[T, 2, 32] = QuantizedExpertLinear(%a, %up, %chosen)
    %b: a8[T, 2, 32] = QuantizeActivation(%u)
    %d: f32[T, 2, 64] = QuantizedExpertLinear(%b, %down, %chosen)
    %f: f32[T, 2, 10] = ExpertLinear(%d, %dense, %chosen)
    return f = %f
  })");
}

TEST(QuantizeActivations, RoundsActivationsOfBf16WeightsAlone) {
  expect_rewrite(quantize_activations, R"(graph g {
    %x: f32[T, 33] = input
    %chosen: i32[T, 2] = input
    %w: bf16[10, 33] = constant
    %up: bf16[8, 5, 33] = constant
    %half: f16[10, 33] = constant
    %a: f32[T, 10] = Linear(%x, %w)
    %b: f32[T, 2, 5] = ExpertLinear(%x, %up, %chosen)
    %c: f32[T, 10] = Linear(%x, %half)
    return a = %a, b = %b, c = %c
  })",
                 R"(graph g {
    %x: f32[T, 33] = input
    %chosen: i32[T, 2] = input
    %w: bf16[10, 33] = constant
    %up: bf16[8, 5, 33] = constant
    %half: f16[10, 33] = constant
    %r: bf16[T, 33] = RoundActivation(%x)
    %a: f32[T, 10] = Linear(%r, %w)
    %s: bf16[T, 33] = RoundActivation(%x)
    %b: f32[T, 2, 5] = ExpertLinear(%s, %up, %chosen)
    %c: f32[T, 10] = Linear(%x, %half)
    return a = %a, b = %b, c = %c
  })");
}

TEST(QuantizeActivations, KeepsFloatMath) {
  PassContext context;
  context.math = "f32";
  expect_rewrite(quantize_activations, kBefore, kBefore, context);
}

TEST(QuantizeActivations, NamesNewNodesAfterTheLinear) {
  Graph graph = parse_graph(kBefore);
  ASSERT_TRUE(quantize_activations(graph, {}));
  EXPECT_EQ(graph.nodes[0].name, "blk.0.q.codes");
  EXPECT_EQ(graph.nodes[1].name, "blk.0.q");
}

}  // namespace
}  // namespace lathe
