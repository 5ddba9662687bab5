#include "passes/before_expected.h"

#include <string>

namespace lathe {
namespace {

TEST(RemoveDeadNodes, DropsChainsAndTheirConstantsAndKeepsInputs) {
  expect_rewrite(remove_dead_nodes, R"(graph g {
    %x: f32[T, 64] = input
    %unused: f32[T] = input
    %idle: f32[4] = state
    %w: f32[8, 64] = constant
    %s: f32[64] = constant
    %dead.0: f32[T, 64] = Mul(%x, %s)
    %dead.1: f32[T, 8] = Linear(%dead.0, %w)
    %live: f32[T, 64] = Swish(%x)
    return y = %live
  })",
                 R"(graph g {
    %x: f32[T, 64] = input
    %unused: f32[T] = input
    %idle: f32[4] = state
    %live: f32[T, 64] = Swish(%x)
    return y = %live
  })");
}

TEST(RemoveDeadNodes, KeepsEffectsAndWhatTheyNeed) {
  constexpr std::string_view kGraph = R"(graph g {
    %cache: f32[1, P, 2, 1, 512] = state
    %k: f32[T, 1, 8] = input
    %s: i32[Q, 4] = input
    %b: i32[B] = input
    %v: f32[T, 1, 8] = Gelu(%k) {approximate = 0}
    %w: f32[1, P, 2, 1, 512] = KvWrite(%cache, %k, %v, %s, %b) {layer = 0}
  })";
  expect_rewrite(remove_dead_nodes, kGraph, kGraph);
}

TEST(RemoveDeadNodes, KeepsANodeOfWhichOneOutputIsUsed) {
  constexpr std::string_view kGraph = R"(graph g {
    %x: f32[S, 64] = input
    %a.0: f32[S, 4], %a.1: i32[S, 4] = TopK(%x) {k = 4}
    return best = %a.1
  })";
  expect_rewrite(remove_dead_nodes, kGraph, kGraph);
}

constexpr std::string_view kTwoLayers = R"(graph g {
    %x: f32[T, 8] = input
    %cache: f32[2, P, 2, 1, 512] = state
    %s: i32[Q, 4] = input
    %b: i32[B] = input
    %h0: f32[T, 1, 8] = SplitHeads(%x) {heads = 1}
    %w0: f32[2, P, 2, 1, 512] = KvWrite(%cache, %h0, %h0, %s, %b) {layer = 0}
    %a0: f32[T, 1, 8] = PagedAttention(%h0, %w0, %s, %b) {layer = 0, scale = 1, window = 0, softcap = 0, causal = 1}
    %y0: f32[T, 8] = MergeHeads(%a0)
    %g: f32[T, 8] = Gelu(%y0) {approximate = 0}
    %h1: f32[T, 1, 8] = SplitHeads(%g) {heads = 1}
    %w1: f32[2, P, 2, 1, 512] = KvWrite(%w0, %h1, %h1, %s, %b) {layer = 1}
    %a1: f32[T, 1, 8] = PagedAttention(%h1, %w1, %s, %b) {layer = 1, scale = 1, window = 0, softcap = 0, causal = 1}
    %y1: f32[T, 8] = MergeHeads(%a1)
)";

TEST(RemoveDeadNodes, DropsALayerBehindTheLastOutputWithItsWrite) {
  expect_rewrite(remove_dead_nodes, std::string(kTwoLayers) + "return y = %y0 }", R"(graph g {
    %x: f32[T, 8] = input
    %cache: f32[2, P, 2, 1, 512] = state
    %s: i32[Q, 4] = input
    %b: i32[B] = input
    %h0: f32[T, 1, 8] = SplitHeads(%x) {heads = 1}
    %w0: f32[2, P, 2, 1, 512] = KvWrite(%cache, %h0, %h0, %s, %b) {layer = 0}
    %a0: f32[T, 1, 8] = PagedAttention(%h0, %w0, %s, %b) {layer = 0, scale = 1, window = 0, softcap = 0, causal = 1}
    %y0: f32[T, 8] = MergeHeads(%a0)
    return y = %y0
  })");
}

TEST(RemoveDeadNodes, KeepsEveryLayerThatTheLastOneNeeds) {
  const std::string graph = std::string(kTwoLayers) + "return y = %y1 }";
  expect_rewrite(remove_dead_nodes, graph, graph);
}

TEST(RemoveDeadNodes, KeepsAStateThatIsReturned) {
  const std::string graph = std::string(kTwoLayers) + "return y = %y0, cache = %w1 }";
  expect_rewrite(remove_dead_nodes, graph, R"(graph g {
    %x: f32[T, 8] = input
    %cache: f32[2, P, 2, 1, 512] = state
    %s: i32[Q, 4] = input
    %b: i32[B] = input
    %h0: f32[T, 1, 8] = SplitHeads(%x) {heads = 1}
    %w0: f32[2, P, 2, 1, 512] = KvWrite(%cache, %h0, %h0, %s, %b) {layer = 0}
    %a0: f32[T, 1, 8] = PagedAttention(%h0, %w0, %s, %b) {layer = 0, scale = 1, window = 0, softcap = 0, causal = 1}
    %y0: f32[T, 8] = MergeHeads(%a0)
    %g: f32[T, 8] = Gelu(%y0) {approximate = 0}
    %h1: f32[T, 1, 8] = SplitHeads(%g) {heads = 1}
    %w1: f32[2, P, 2, 1, 512] = KvWrite(%w0, %h1, %h1, %s, %b) {layer = 1}
    return y = %y0, cache = %w1
  })");
}

TEST(RemoveDeadNodes, HandsTheStateOnWhereAWriteInBetweenGoes) {
  expect_rewrite(remove_dead_nodes, R"(graph g {
    %cache: f32[2, P, 2, 1, 512] = state
    %k: f32[T, 1, 8] = input
    %s: i32[Q, 4] = input
    %b: i32[B] = input
    %w0: f32[2, P, 2, 1, 512] = KvWrite(%cache, %k, %k, %s, %b) {layer = 0}
    %a0: f32[T, 1, 8] = PagedAttention(%k, %w0, %s, %b) {layer = 0, scale = 1, window = 0, softcap = 0, causal = 1}
    %w1: f32[2, P, 2, 1, 512] = KvWrite(%w0, %k, %k, %s, %b) {layer = 1}
    %a1: f32[T, 1, 8] = PagedAttention(%k, %w1, %s, %b) {layer = 1, scale = 1, window = 0, softcap = 0, causal = 1}
    return y = %a1
  })",
                 R"(graph g {
    %cache: f32[2, P, 2, 1, 512] = state
    %k: f32[T, 1, 8] = input
    %s: i32[Q, 4] = input
    %b: i32[B] = input
    %w1: f32[2, P, 2, 1, 512] = KvWrite(%cache, %k, %k, %s, %b) {layer = 1}
    %a1: f32[T, 1, 8] = PagedAttention(%k, %w1, %s, %b) {layer = 1, scale = 1, window = 0, softcap = 0, causal = 1}
    return y = %a1
  })");
}

}  // namespace
}  // namespace lathe
