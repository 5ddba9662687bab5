#include "passes/before_expected.h"

namespace lathe {
namespace {

TEST(FuseEpilogues, TakesBiasFunctionAndCodes) {
  expect_rewrite(fuse_epilogues, R"g(graph g {
    %x: a8[T, 64] = input
    %up: q4_0[32, 64] = constant
    %bias: f32[32] = constant
    %down: q4_0[64, 32] = constant
    %u: f32[T, 32] = QuantizedLinear(%x, %up)
    %b: f32[T, 32] = Add(%u, %bias)
    %g: f32[T, 32] = Gelu(%b)
    %c: a8[T, 32] = QuantizeActivation(%g)
    %d: f32[T, 64] = QuantizedLinear(%c, %down)
    return d = %d
  })g",
                 R"g(graph g {
    %x: a8[T, 64] = input
    %up: q4_0[32, 64] = constant
    %bias: f32[32] = constant
    %down: q4_0[64, 32] = constant
    %c: a8[T, 32] = FusedLinear(%x, %up, %bias) {program = "o0 = quantize(gelu(add(w0, x0)))", weights = 1}
    %d: f32[T, 64] = QuantizedLinear(%c, %down)
    return d = %d
  })g");
}

TEST(FuseEpilogues, TakesRectifiersAndBounds) {
  expect_rewrite(fuse_epilogues, R"g(graph g {
    %x: f32[T, 40] = input
    %a: f32[30, 40] = constant
    %b: f32[20, 30] = constant
    %bias: f32[30] = constant
    %p: f32[T, 30] = Linear(%x, %a)
    %q: f32[T, 30] = Add(%p, %bias)
    %r: f32[T, 30] = Relu(%q)
    %s: f32[T, 20] = Linear(%r, %b)
    %y: f32[T, 20] = Clip(%s) {min = -1, max = 6}
    return y = %y
  })g",
                 R"g(graph g {
    %x: f32[T, 40] = input
    %a: f32[30, 40] = constant
    %b: f32[20, 30] = constant
    %bias: f32[30] = constant
    %r: f32[T, 30] = FusedLinear(%x, %a, %bias) {program = "o0 = relu(add(w0, x0))", weights = 1}
    %y: f32[T, 20] = FusedLinear(%r, %b) {program = "o0 = clip(w0, -1, 6)", weights = 1}
    return y = %y
  })g");
}

TEST(FuseEpilogues, TakesTheCapOfLogits) {
  expect_rewrite(fuse_epilogues, R"g(graph g {
    %x: f32[S, 40] = input
    %head: f16[99, 40] = constant
    %scale: f32[1] = constant
    %cap: f32[1] = constant
    %p: f32[S, 99] = Linear(%x, %head)
    %s: f32[S, 99] = Mul(%p, %scale)
    %t: f32[S, 99] = Tanh(%s)
    %l: f32[S, 99] = Mul(%t, %cap)
    return logits = %l
  })g",
                 R"g(graph g {
    %x: f32[S, 40] = input
    %head: f16[99, 40] = constant
    %scale: f32[1] = constant
    %cap: f32[1] = constant
    %l: f32[S, 99] = FusedLinear(%x, %head, %scale, %cap) {program = "o0 = mul(tanh(mul(w0, x0)), x1)", weights = 1}
    return logits = %l
  })g");
}

TEST(FuseEpilogues, LeavesWhatOthersReadAndWholeOperands) {
  constexpr std::string_view kText = R"g(graph g {
    %x: f32[T, 40] = input
    %y: f32[T, 30] = input
    %a: f16[30, 40] = constant
    %bias: f32[30] = constant
    %p: f32[T, 30] = Linear(%x, %a)
    %q: f32[T, 30] = Add(%p, %bias)
    %r: f32[T, 30] = Linear(%x, %a)
    %s: f32[T, 30] = Add(%r, %y)
    %n: f32[T, 30] = RMSNormalization(%q, %bias)
    return p = %p, s = %s, n = %n
  })g";
  expect_rewrite(fuse_epilogues, kText, kText);
}

constexpr std::string_view kSideBySide = R"g(graph g {
    %x: f32[T, 30] = input
    %n: f32[T, 30] = input
    %a: f32[30, 30] = constant
    %f: f32[30, 30] = constant
    %attended: f32[T, 30] = Linear(%n, %a)
    %fed: f32[T, 30] = Linear(%n, %f)
    %r: f32[T, 30] = Add(%x, %attended)
    %s: f32[T, 30] = Add(%r, %fed)
    return s = %s
  })g";

TEST(FuseResiduals, EachProductTakesItsSum) {
  expect_rewrite(fuse_residuals, kSideBySide, R"g(graph g {
    %x: f32[T, 30] = input
    %n: f32[T, 30] = input
    %a: f32[30, 30] = constant
    %f: f32[30, 30] = constant
    %r: f32[T, 30] = FusedLinear(%n, %a, %x) {program = "o0 = add(x0, w0)", weights = 1}
    %s: f32[T, 30] = FusedLinear(%n, %f, %r) {program = "o0 = add(x0, w0)", weights = 1}
    return s = %s
  })g");
}

TEST(FuseResiduals, GrowsWhatEpiloguesMade) {
  expect_rewrite(fuse_residuals, R"g(graph g {
    %x: f32[T, 30] = input
    %n: f32[T, 40] = input
    %a: f32[30, 40] = constant
    %bias: f32[30] = constant
    %p: f32[T, 30] = FusedLinear(%n, %a, %bias) {program = "o0 = add(w0, x0)", weights = 1}
    %r: f32[T, 30] = Add(%p, %x)
    return r = %r
  })g",
                 R"g(graph g {
    %x: f32[T, 30] = input
    %n: f32[T, 40] = input
    %a: f32[30, 40] = constant
    %bias: f32[30] = constant
    %r: f32[T, 30] = FusedLinear(%n, %a, %bias, %x) {program = "o0 = add(add(w0, x0), x1)", weights = 1}
    return r = %r
  })g");
}

TEST(FuseResiduals, LeavesBiasesProductsTwiceReadAndGates) {
  constexpr std::string_view kText = R"g(graph g {
    %x: f32[T, 30] = input
    %n: f32[T, 30] = input
    %a: f32[30, 30] = constant
    %bias: f32[30] = constant
    %p: f32[T, 30] = Linear(%n, %a)
    %q: f32[T, 30] = Add(%p, %bias)
    %t: f32[T, 30] = Linear(%x, %a)
    %u: f32[T, 30] = Add(%t, %t)
    %v: f32[T, 30] = Linear(%u, %a)
    %w: f32[T, 30] = Mul(%v, %x)
    return q = %q, u = %u, w = %w
  })g";
  expect_rewrite(fuse_residuals, kText, kText);
}

}  // namespace
}  // namespace lathe
