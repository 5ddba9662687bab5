#include <gmock/gmock.h>

#include "passes/before_expected.h"

namespace lathe {
namespace {

TEST(FuseNormalization, JoinsTheResidualSumThatOthersReadToo) {
  expect_rewrite(fuse_normalization, R"g(graph g {
    %x: f32[T, 64] = input
    %o: f32[T, 64] = input
    %w: f32[64] = constant
    %down: q8_0[64, 64] = constant
    %s: f32[T, 64] = Add(%x, %o)
    %n: f32[T, 64] = RMSNormalization(%s, %w) {epsilon = 1e-05}
    %d: f32[T, 64] = Linear(%n, %down)
    %y: f32[T, 64] = Add(%s, %d)
    return y = %y
  })g",
                 R"g(graph g {
    %x: f32[T, 64] = input
    %o: f32[T, 64] = input
    %w: f32[64] = constant
    %down: q8_0[64, 64] = constant
    %s: f32[T, 64], %n: f32[T, 64] = RowProgram(%x, %o, %w) {program = "o0 = add(x0, x1); o1 = rms(o0, x2, 1e-05)"}
    %d: f32[T, 64] = Linear(%n, %down)
    %y: f32[T, 64] = Add(%s, %d)
    return y = %y
})g");
}

TEST(FuseNormalization, JoinsNormsBehindALayerWithTheSumAndTheNextNorm) {
  expect_rewrite(fuse_normalization, R"g(graph g {
    %x: f32[T, 64] = input
    %o: f32[T, 64] = input
    %post: f32[64] = constant
    %next: f32[64] = constant
    %p: f32[T, 64] = RMSNormalization(%o, %post) {epsilon = 1e-06}
    %s: f32[T, 64] = Add(%x, %p)
    %n: f32[T, 64] = RMSNormalization(%s, %next) {epsilon = 1e-06}
    return s = %s, n = %n
  })g",
                 R"g(graph g {
    %x: f32[T, 64] = input
    %o: f32[T, 64] = input
    %post: f32[64] = constant
    %next: f32[64] = constant
    %s: f32[T, 64], %n: f32[T, 64] = RowProgram(%o, %post, %x, %next) {program = "o0 = add(x2, rms(x0, x1, 1e-06)); o1 = rms(o0, x3, 1e-06)"
}
return s = % s, n = % n
})g");
}

TEST(FuseNormalization, JoinsTwoNormsOfOneSumWithTheirActivations) {
  expect_rewrite(fuse_normalization, R"g(graph g {
    %x: f32[T, 64] = input
    %bias: f32[64] = constant
    %w1: f32[64] = constant
    %w2: f32[64] = constant
    %s: f32[T, 64] = Add(%x, %bias)
    %a: f32[T, 64] = LayerNormalization(%s, %w1, %bias) {epsilon = 1e-12}
    %b: f32[T, 64] = LayerNormalization(%s, %w2) {epsilon = 1e-12}
    %c: f32[T, 64] = Tanh(%b)
    return a = %a, c = %c
  })g",
                 R"g(graph g {
    %x: f32[T, 64] = input
    %bias: f32[64] = constant
    %w1: f32[64] = constant
    %w2: f32[64] = constant
    %a: f32[T, 64], %c: f32[T, 64] = RowProgram(%x, %bias, %w1, %w2) {program = "t0 = add(x0, x1); o0 = layer(t0, x2, x1, 1e-12); o1 = tanh(layer(t0, x3, 1e-12))"
}
return a = % a, c = % c
})g");
}

TEST(FuseNormalization, StandsBeforeOtherReadersOfTheSum) {
  expect_rewrite(fuse_normalization, R"g(graph g {
    %x: f32[T, 64] = input
    %r: i32[S] = input
    %w: f32[64] = constant
    %s: f32[T, 64] = Add(%x, %x)
    %early: f32[S, 64] = Gather(%s, %r)
    %n: f32[T, 64] = RMSNormalization(%s, %w) {epsilon = 1e-05}
    return e = %early, n = %n
  })g",
                 R"g(graph g {
    %x: f32[T, 64] = input
    %r: i32[S] = input
    %w: f32[64] = constant
    %s: f32[T, 64], %n: f32[T, 64] = RowProgram(%x, %w) {program = "o0 = add(x0, x0); o1 = rms(o0, x1, 1e-05)"}
    %early: f32[S, 64] = Gather(%s, %r)
    return e = %early, n = %n
})g");
}

TEST(FuseNormalization, MakesNoCircle) {
  constexpr std::string_view kGraph = R"g(graph g {
    %x: f32[T, 64] = input
    %w: f32[64] = constant
    %m: f32[64, 64] = constant
    %n: f32[T, 64] = RMSNormalization(%x, %w) {epsilon = 1e-05}
    %d: f32[T, 64] = Linear(%n, %m)
    %y: f32[T, 64] = Add(%n, %d)
    return y = %y
  })g";
  expect_rewrite(fuse_normalization, kGraph, kGraph);
}

TEST(FuseNormalization, LeavesNormsOverHeadsApartFromWholeRows) {
  constexpr std::string_view kGraph = R"g(graph g {
    %q: f32[T, 64] = input
    %bias: f32[64] = constant
    %w: f32[16] = constant
    %b: f32[T, 64] = Add(%q, %bias)
    %h: f32[T, 4, 16] = SplitHeads(%b) {heads = 4}
    %n: f32[T, 4, 16] = RMSNormalization(%h, %w) {epsilon = 1e-06}
    %m: f32[T, 64] = MergeHeads(%n)
    %y: f32[T, 64] = Tanh(%m)
    return y = %y
  })g";
  expect_rewrite(fuse_normalization, kGraph, kGraph);
}

}  // namespace
}  // namespace lathe
