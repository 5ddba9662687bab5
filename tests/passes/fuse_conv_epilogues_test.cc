#include "passes/before_expected.h"
#include "support/number_constants.h"

namespace lathe {
namespace {

TEST(FuseConvEpilogues, TakesFunctionsAndSums) {
  expect_rewrite(fuse_conv_epilogues, R"(graph g {
    %x: f32[N, 3, 9, 9] = input
    %w: f32[3, 3, 3, 3] = constant "random w"
    %b: f32[3] = constant "random b"
    %six: f32[] = constant "6"
    %absent: none[0] = constant "absent"
    %a: f32[N, 3, 9, 9] = Conv(%x, %w, %b) {pads = "1,1,1,1"}
    %c: f32[N, 3, 9, 9] = Add(%x, %a)
    %d: f32[N, 3, 9, 9] = Relu(%c)
    %e: f32[N, 3, 7, 7] = Conv(%d, %w)
    %f: f32[N, 3, 7, 7] = Clip(%e) {min = 0, max = 6}
    %g: f32[N, 3, 7, 7] = Mul(%f, %six)
    %h: f32[N, 3, 7, 7] = LeakyRelu(%g) {alpha = 0.1}
    %i: f32[N, 3, 5, 5] = Conv(%h, %w)
    %j: f32[N, 3, 5, 5] = Swish(%i)
    %k: f32[N, 3, 3, 3] = Conv(%j, %w)
    %l: f32[N, 3, 3, 3] = Gelu(%k) {approximate = 1}
    %m: f32[N, 3, 3, 3] = Max(%l, %six)
    %y: f32[N, 3, 3, 3] = HardSwish(%m)
    return y = %y
  })",
                 R"(graph g {
    %x: f32[N, 3, 9, 9] = input
    %w: f32[3, 3, 3, 3] = constant "random w"
    %b: f32[3] = constant "random b"
    %six: f32[] = constant "6"
    %absent: none[0] = constant "absent"
    %d: f32[N, 3, 9, 9] = FusedConv(%x, %w, %b, %x) {epilogue = "add, relu", pads = "1,1,1,1"}
    %g: f32[N, 3, 7, 7] = FusedConv(%d, %w, %absent, %six) {alpha = 0, beta = 6, epilogue = "clip, mul"}
    %h: f32[N, 3, 7, 7] = LeakyRelu(%g) {alpha = 0.1}
    %j: f32[N, 3, 5, 5] = FusedConv(%h, %w, %absent) {epilogue = "swish"}
    %y: f32[N, 3, 3, 3] = FusedConv(%j, %w, %absent, %six) {epilogue = "gelu_tanh, max, hard_swish"}
    return y = %y
  })",
                 {}, test::number_constant);
}

TEST(FuseConvEpilogues, TakesPReluByOneNumberAlone) {
  expect_rewrite(fuse_conv_epilogues, R"(graph g {
    %x: f32[1, 3, 9, 9] = input
    %w: f32[3, 3, 3, 3] = constant "random w"
    %b: f32[3] = constant "random b"
    %slope: f32[1, 1, 1] = constant "0.25"
    %slopes: f32[3, 1, 1] = constant "random slopes"
    %a: f32[1, 3, 7, 7] = Conv(%x, %w, %b)
    %c: f32[1, 3, 7, 7] = PRelu(%a, %slope)
    %d: f32[1, 3, 5, 5] = Conv(%c, %w, %b)
    %y: f32[1, 3, 5, 5] = PRelu(%d, %slopes)
    return y = %y
  })",
                 R"(graph g {
    %x: f32[1, 3, 9, 9] = input
    %w: f32[3, 3, 3, 3] = constant "random w"
    %b: f32[3] = constant "random b"
    %slope: f32[1, 1, 1] = constant "0.25"
    %slopes: f32[3, 1, 1] = constant "random slopes"
    %c: f32[1, 3, 7, 7] = FusedConv(%x, %w, %b) {alpha = 0.25, epilogue = "leaky_relu"}
    %d: f32[1, 3, 5, 5] = Conv(%c, %w, %b)
    %y: f32[1, 3, 5, 5] = PRelu(%d, %slopes)
    return y = %y
  })",
                 {}, test::number_constant, test::number_constant);
}

TEST(FuseConvEpilogues, LeavesASumOfTwoToTheLater) {
  expect_rewrite(fuse_conv_epilogues, R"(graph g {
    %x: f32[1, 3, 9, 9] = input
    %w: f32[4, 3, 3, 3] = constant "random w"
    %v: f32[4, 3, 3, 3] = constant "random v"
    %b: f32[4] = constant "random b"
    %a: f32[1, 4, 7, 7] = Conv(%x, %w, %b)
    %c: f32[1, 4, 7, 7] = Conv(%x, %v, %b)
    %d: f32[1, 4, 7, 7] = Add(%a, %c)
    %y: f32[1, 4, 7, 7] = Sigmoid(%d)
    return y = %y
  })",
                 R"(graph g {
    %x: f32[1, 3, 9, 9] = input
    %w: f32[4, 3, 3, 3] = constant "random w"
    %v: f32[4, 3, 3, 3] = constant "random v"
    %b: f32[4] = constant "random b"
    %a: f32[1, 4, 7, 7] = Conv(%x, %w, %b)
    %y: f32[1, 4, 7, 7] = FusedConv(%x, %v, %b, %a) {epilogue = "add, sigmoid"}
    return y = %y
  })",
                 {}, test::number_constant);
}

TEST(FuseConvEpilogues, KeepsWhatOthersReadOtherShapesAndMinimaOfTheSecond) {
  constexpr std::string_view kGraph = R"(graph g {
    %x: f32[1, 3, 9, 9] = input
    %w: f32[4, 3, 3, 3] = constant "random w"
    %r: f32[4, 1, 1] = constant "random r"
    %h: f16[4, 3, 3, 3] = input
    %z: f16[1, 3, 9, 9] = input
    %a: f32[1, 4, 7, 7] = Conv(%x, %w)
    %b: f32[1, 4, 7, 7] = Relu(%a)
    %c: f32[1, 4, 7, 7] = Add(%a, %b)
    %d: f32[1, 4, 7, 7] = Conv(%x, %w)
    %e: f32[1, 4, 7, 7] = Mul(%d, %r)
    %f: f32[1, 4, 7, 7] = Conv(%x, %w)
    %g: f32[1, 4, 7, 7] = Min(%c, %f)
    %i: f32[1, 4, 7, 7] = Conv(%x, %w)
    %j: f32[1, 4, 7, 7] = Add(%i, %i)
    %k: f16[1, 4, 7, 7] = Conv(%z, %h)
    %l: f16[1, 4, 7, 7] = HardSwish(%k)
    return c = %c, e = %e, g = %g, j = %j, l = %l
  })";
  expect_rewrite(fuse_conv_epilogues, kGraph, kGraph, {}, test::number_constant);
}

}  // namespace
}  // namespace lathe
