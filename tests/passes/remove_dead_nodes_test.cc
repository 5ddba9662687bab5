#include "passes/before_expected.h"

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

}  // namespace
}  // namespace lathe
