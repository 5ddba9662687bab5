#include "passes/before_expected.h"

namespace lathe {
namespace {

TEST(MergeShuffles, ComposesTranspositions) {
  expect_rewrite(merge_shuffles, R"(graph g {
    %x: f32[2, 3, T, 5] = input
    %a: f32[2, T, 3, 5] = Transpose(%x) {perm = "0, 2, 1, 3"}
    %b: f32[T, 2, 5, 3] = Transpose(%a) {perm = "1, 0, 3, 2"}
    return y = %b
  })",
                 R"(graph g {
    %x: f32[2, 3, T, 5] = input
    %b: f32[T, 2, 5, 3] = Transpose(%x) {perm = "2, 0, 3, 1"}
    return y = %b
  })");
}

TEST(MergeShuffles, DropsTranspositionsThatCancelAndKeepsWhatOthersUse) {
  expect_rewrite(merge_shuffles, R"(graph g {
    %x: f32[2, 3, T] = input
    %s: f32[2, 3, T] = Swish(%x)
    %a: f32[3, T, 2] = Transpose(%s) {perm = "1, 2, 0"}
    %b: f32[2, 3, T] = Transpose(%a) {perm = "2, 0, 1"}
    %c: f32[2, 3, T] = Neg(%b)
    return y = %c, a = %a, b = %b
  })",
                 R"(graph g {
    %x: f32[2, 3, T] = input
    %s: f32[2, 3, T] = Swish(%x)
    %a: f32[3, T, 2] = Transpose(%s) {perm = "1, 2, 0"}
    %c: f32[2, 3, T] = Neg(%s)
    return y = %c, a = %a, b = %s
  })");
}

TEST(MergeShuffles, MovesAxesOfOneAsAView) {
  expect_rewrite(merge_shuffles, R"(graph g {
    %x: f32[2, 1, T, 1] = input
    %a: f32[1, 2, 1, T] = Transpose(%x) {perm = "1, 0, 3, 2"}
    return y = %a
  })",
                 R"(graph g {
    %x: f32[2, 1, T, 1] = input
    %a: f32[1, 2, 1, T] = Reshape(%x) {shape = "1, 2, 1, T"}
    return y = %a
  })");
}

TEST(MergeShuffles, ReshapesOnceAndNotBackAndForth) {
  expect_rewrite(merge_shuffles, R"(graph g {
    %x: f32[T, 12] = input
    %s: f32[T, 12] = Swish(%x)
    %a: f32[T, 3, 4] = Reshape(%s) {shape = "0, 3, -1"}
    %b: f32[T, 2, 6] = Reshape(%a) {shape = "0, 2, -1"}
    %h: f32[T, 2, 6] = SplitHeads(%s) {heads = 2}
    %c: f32[T, 12] = Reshape(%h) {shape = "T, 12"}
    %d: f32[T, 12] = Neg(%c)
    return b = %b, d = %d
  })",
                 R"(graph g {
    %x: f32[T, 12] = input
    %s: f32[T, 12] = Swish(%x)
    %b: f32[T, 2, 6] = Reshape(%s) {shape = "T, 2, 6"}
    %d: f32[T, 12] = Neg(%s)
    return b = %b, d = %d
  })");
}

TEST(MergeShuffles, ReducesBeforeItTransposes) {
  expect_rewrite(merge_shuffles, R"(graph g {
    %x: f32[2, 3, T, 5] = input
    %a: f32[2, T, 5, 3] = Transpose(%x) {perm = "0, 2, 3, 1"}
    %b: f32[2, T, 5] = ReduceSum(%a) {axes = "-1", keepdims = 0}
    %c: f32[T, 2, 3, 5] = Transpose(%x) {perm = "2, 0, 1, 3"}
    %d: f32[T, 2, 3, 1] = ReduceMean(%c) {axes = "3", keepdims = 1}
    return b = %b, d = %d
  })",
                 R"(graph g {
    %x: f32[2, 3, T, 5] = input
    %b: f32[2, T, 5] = ReduceSum(%x) {axes = "1", keepdims = 0}
    %c: f32[2, 3, T, 1] = ReduceMean(%x) {axes = "3", keepdims = 1}
    %d: f32[T, 2, 3, 1] = Transpose(%c) {perm = "2, 0, 1, 3"}
    return b = %b, d = %d
  })");
}

TEST(MergeShuffles, TransposesWhatIsLeftOfAReductionWithoutKeptAxes) {
  expect_rewrite(merge_shuffles, R"(graph g {
    %x: f32[2, 3, 7] = input
    %a: f32[7, 3, 2] = Transpose(%x) {perm = "2, 1, 0"}
    %b: f32[7, 2] = ReduceMax(%a) {axes = "1", keepdims = 0}
    return b = %b
  })",
                 R"(graph g {
    %x: f32[2, 3, 7] = input
    %a: f32[2, 7] = ReduceMax(%x) {axes = "1", keepdims = 0}
    %b: f32[7, 2] = Transpose(%a) {perm = "1, 0"}
    return b = %b
  })");
}

TEST(MergeShuffles, KeepsReductionsWhoseOrderWouldChange) {
  constexpr std::string_view kGraph = R"(graph g {
    %x: f32[2, 3, T, 5] = input
    %a: f32[2, T, 5, 3] = Transpose(%x) {perm = "0, 2, 3, 1"}
    %b: f32[2, T, 1, 1] = ReduceSum(%a) {axes = "2, 3", keepdims = 1}
    return b = %b
  })";
  expect_rewrite(merge_shuffles, kGraph, kGraph);
}

}  // namespace
}  // namespace lathe
