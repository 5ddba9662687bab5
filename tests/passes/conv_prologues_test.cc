#include "passes/before_expected.h"
#include "support/number_constants.h"

namespace lathe {
namespace {

TEST(ConvPrologues, ScalesWhatPixelsAreGatheredOf) {
  expect_rewrite(fuse_conv_epilogues, R"(graph g {
    %x: f32[N, 4, 9, 9] = input
    %s: f32[4, 1, 1, 1] = constant "random s"
    %b: f32[4] = constant "random b"
    %w: f32[6, 4, 1, 1] = constant "random w"
    %v: f32[6] = constant "random v"
    %absent: none[0] = constant "absent"
    %a: f32[N, 4, 9, 9] = FusedConv(%x, %s, %b) {epilogue = "relu", group = 4}
    %c: f32[N, 6, 5, 5] = Conv(%a, %w) {strides = "2,2"}
    %d: f32[N, 4, 9, 9] = FusedConv(%x, %s, %b) {epilogue = "relu", group = 4}
    %e: f32[N, 6, 9, 9] = FusedConv(%d, %w, %v) {epilogue = "swish"}
    return c = %c, e = %e
  })",
                 R"(graph g {
    %x: f32[N, 4, 9, 9] = input
    %s: f32[4, 1, 1, 1] = constant "random s"
    %b: f32[4] = constant "random b"
    %w: f32[6, 4, 1, 1] = constant "random w"
    %v: f32[6] = constant "random v"
    %absent: none[0] = constant "absent"
    %f: f32[4] = constant "random s.flat"
    %g: f32[4] = constant "random s.flat.1"
    %c: f32[N, 6, 5, 5] = FusedConv(%x, %w, %absent, %f, %b) {prologue = "scale, relu", strides = "2,2"}
    %e: f32[N, 6, 9, 9] = FusedConv(%x, %w, %v, %g, %b) {epilogue = "swish", prologue = "scale, relu"}
    return c = %c, e = %e
  })",
                 {}, test::number_constant);
}

TEST(ConvPrologues, KeepsOtherFunctionsKernelsAndWhatOthersRead) {
  constexpr std::string_view kGraph = R"(graph g {
    %x: f32[1, 4, 9, 9] = input
    %s: f32[4, 1, 1, 1] = constant "random s"
    %b: f32[4] = constant "random b"
    %w: f32[6, 4, 1, 1] = constant "random w"
    %k: f32[6, 4, 3, 3] = constant "random k"
    %a: f32[1, 4, 9, 9] = FusedConv(%x, %s, %b) {epilogue = "swish", group = 4}
    %c: f32[1, 6, 9, 9] = Conv(%a, %w)
    %d: f32[1, 4, 9, 9] = FusedConv(%x, %s, %b) {epilogue = "relu", group = 4}
    %e: f32[1, 6, 7, 7] = Conv(%d, %k)
    %f: f32[1, 4, 9, 9] = FusedConv(%x, %s, %b) {epilogue = "relu", group = 4}
    %g: f32[1, 6, 9, 9] = Conv(%f, %w)
    %h: f32[1, 4, 9, 9] = FusedConv(%x, %s, %b) {epilogue = "relu", group = 4}
    %i: f32[1, 6, 11, 11] = Conv(%h, %w) {pads = "1,1,1,1"}
    %j: f32[1, 4, 5, 5] = FusedConv(%x, %s, %b) {epilogue = "relu", group = 4, strides = "2,2"}
    %l: f32[1, 6, 5, 5] = Conv(%j, %w)
    return c = %c, e = %e, f = %f, g = %g, i = %i, l = %l
  })";
  expect_rewrite(fuse_conv_epilogues, kGraph, kGraph, {}, test::number_constant);
}

}  // namespace
}  // namespace lathe
