#include "passes/before_expected.h"

namespace lathe {
namespace {

TEST(FuseGatedLinear, TakesGateUpFunctionAndCodes) {
  expect_rewrite(fuse_gated_linear, R"g(graph g {
    %x: a8[T, 64] = input
    %gate: q4_0[32, 64] = constant
    %up: q8_0[32, 64] = constant
    %down: q4_0[64, 32] = constant
    %g: f32[T, 32] = QuantizedLinear(%x, %gate)
    %u: f32[T, 32] = QuantizedLinear(%x, %up)
    %s: f32[T, 32] = Swish(%g)
    %m: f32[T, 32] = Mul(%s, %u)
    %c: a8[T, 32] = QuantizeActivation(%m)
    %d: f32[T, 64] = QuantizedLinear(%c, %down)
    return d = %d
  })g",
                 R"g(graph g {
    %x: a8[T, 64] = input
    %gate: q4_0[32, 64] = constant
    %up: q8_0[32, 64] = constant
    %down: q4_0[64, 32] = constant
    %c: a8[T, 32] = FusedLinear(%x, %gate, %up) {program = "o0 = quantize(mul(swish(w0), w1))", weights = 2}
    %d: f32[T, 64] = QuantizedLinear(%c, %down)
    return d = %d
  })g");
}

TEST(FuseGatedLinear, TakesTheMarksOfFineColumns) {
  expect_rewrite(fuse_gated_linear, R"g(graph g {
    %x: a8[T, 64] = input
    %gate: q4_0[32, 64] = constant
    %up: q8_0[32, 64] = constant
    %fine: f32[32] = constant
    %g: f32[T, 32] = QuantizedLinear(%x, %gate)
    %u: f32[T, 32] = QuantizedLinear(%x, %up)
    %s: f32[T, 32] = Swish(%g)
    %m: f32[T, 32] = Mul(%s, %u)
    %c: a8[T, 32] = QuantizeActivation(%m, %fine)
    return c = %c
  })g",
                 R"g(graph g {
    %x: a8[T, 64] = input
    %gate: q4_0[32, 64] = constant
    %up: q8_0[32, 64] = constant
    %fine: f32[32] = constant
    %c: a8[T, 32] = FusedLinear(%x, %gate, %up, %fine) {program = "o0 = quantize(mul(swish(w0), w1), x0)", weights = 2}
    return c = %c
  })g");
}

TEST(FuseGatedLinear, KeepsSidesAndBiases) {
  expect_rewrite(fuse_gated_linear, R"g(graph g {
    %x: f32[T, 40] = input
    %gate: f16[30, 40] = constant
    %up: f32[30, 40] = constant
    %gb: f32[30] = constant
    %ub: f32[30] = constant
    %g: f32[T, 30] = Linear(%x, %gate)
    %gg: f32[T, 30] = Add(%g, %gb)
    %u: f32[T, 30] = Linear(%x, %up)
    %uu: f32[T, 30] = Add(%u, %ub)
    %s: f32[T, 30] = Gelu(%gg) {approximate = 1}
    %m: f32[T, 30] = Mul(%uu, %s)
    return m = %m
  })g",
                 R"g(graph g {
    %x: f32[T, 40] = input
    %gate: f16[30, 40] = constant
    %up: f32[30, 40] = constant
    %gb: f32[30] = constant
    %ub: f32[30] = constant
    %m: f32[T, 30] = FusedLinear(%x, %up, %gate, %ub, %gb) {program = "o0 = mul(add(w0, x0), gelu_tanh(add(w1, x1)))", weights = 2}
    return m = %m
  })g");
}

TEST(FuseGatedLinear, LeavesOtherProducts) {
  for (const auto* text : {// no function
                           R"g(graph g {
    %x: f32[T, 40] = input
    %a: f16[30, 40] = constant
    %b: f32[30, 40] = constant
    %p: f32[T, 30] = Linear(%x, %a)
    %q: f32[T, 30] = Linear(%x, %b)
    %m: f32[T, 30] = Mul(%p, %q)
    return m = %m
  })g",
                           // two activations
                           R"g(graph g {
    %x: f32[T, 40] = input
    %y: f32[T, 40] = input
    %a: f16[30, 40] = constant
    %b: f32[30, 40] = constant
    %p: f32[T, 30] = Linear(%x, %a)
    %q: f32[T, 30] = Linear(%y, %b)
    %s: f32[T, 30] = Swish(%p)
    %m: f32[T, 30] = Mul(%s, %q)
    return m = %m
  })g",
                           // somebody else wants the gate
                           R"g(graph g {
    %x: f32[T, 40] = input
    %a: f16[30, 40] = constant
    %b: f32[30, 40] = constant
    %p: f32[T, 30] = Linear(%x, %a)
    %q: f32[T, 30] = Linear(%x, %b)
    %s: f32[T, 30] = Swish(%p)
    %m: f32[T, 30] = Mul(%s, %q)
    return m = %m, p = %p
  })g"})
    expect_rewrite(fuse_gated_linear, text, text);
}

}  // namespace
}  // namespace lathe
