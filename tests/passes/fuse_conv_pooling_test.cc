#include "passes/before_expected.h"
#include "support/number_constants.h"

namespace lathe {
namespace {

void expect(std::string_view before, std::string_view expected) {
  expect_rewrite(fuse_conv_pooling, before, expected, {}, test::number_constant, test::number_constant);
}

TEST(FuseConvPooling, PoolsWhatAConvolutionMakes) {
  expect(R"(graph g {
    %x: f32[N, 3, 40, 40] = input
    %w: f32[8, 3, 3, 3] = constant "random w"
    %v: f32[64, 8, 3, 3] = constant "random v"
    %u: f32[64, 64, 1, 1] = constant "random u"
    %b: f32[64] = constant "random b"
    %absent: none[0] = constant "0"
    %a: f32[N, 8, 38, 38] = FusedConv(%x, %w, %absent) {epilogue = "relu"}
    %c: f32[N, 8, 19, 19] = MaxPool(%a) {kernel_shape = "3,3", pads = "1,1,1,1", strides = "2,2"}
    %d: f32[N, 64, 9, 9] = Conv(%c, %v, %b) {strides = "2,2"}
    %e: f32[N, 64, 8, 8] = AveragePool(%d) {count_include_pad = 1, kernel_shape = "2,2"}
    %f: f32[N, 64, 8, 8] = FusedConv(%e, %u, %b, %e) {epilogue = "add, relu"}
    %y: f32[N, 64, 1, 1] = GlobalAveragePool(%f)
    return y = %y
  })",
         R"(graph g {
    %x: f32[N, 3, 40, 40] = input
    %w: f32[8, 3, 3, 3] = constant "random w"
    %v: f32[64, 8, 3, 3] = constant "random v"
    %u: f32[64, 64, 1, 1] = constant "random u"
    %b: f32[64] = constant "random b"
    %absent: none[0] = constant "0"
    %c: f32[N, 8, 19, 19] = ConvPool(%x, %w, %absent) {epilogue = "relu", pool = "max", pool_kernel_shape = "3,3", pool_pads = "1,1,1,1", pool_strides = "2,2"}
    %e: f32[N, 64, 8, 8] = ConvPool(%c, %v, %b) {strides = "2,2", pool = "average", pool_count_include_pad = 1, pool_kernel_shape = "2,2"}
    %y: f32[N, 64, 1, 1] = ConvPool(%e, %u, %b, %e) {epilogue = "add, relu", pool = "mean"}
    return y = %y
  })");
}

TEST(FuseConvPooling, TakesFunctionsBehindThePooling) {
  expect(R"(graph g {
    %x: f32[1, 3, 40, 40] = input
    %w: f32[8, 3, 3, 3] = constant "random w"
    %b: f32[8] = constant "random b"
    %a: f32[1, 8, 38, 38] = Conv(%x, %w, %b)
    %c: f32[1, 8, 19, 19] = MaxPool(%a) {kernel_shape = "2,2", strides = "2,2"}
    %d: f32[1, 8, 19, 19] = Relu(%c)
    %e: f32[1, 8, 19, 19] = Tanh(%d)
    %y: f32[1, 8, 19, 19] = LeakyRelu(%e) {alpha = 0.25}
    return y = %y
  })",
         R"(graph g {
    %x: f32[1, 3, 40, 40] = input
    %w: f32[8, 3, 3, 3] = constant "random w"
    %b: f32[8] = constant "random b"
    %e: f32[1, 8, 19, 19] = ConvPool(%x, %w, %b) {pool = "max", pool_epilogue = "relu, tanh", pool_kernel_shape = "2,2", pool_strides = "2,2"}
    %y: f32[1, 8, 19, 19] = LeakyRelu(%e) {alpha = 0.25}
    return y = %y
  })");
}

/// What others read, indices, sums in front of windows, sizes that a run knows, means of large images, and
/// bands that are larger than a cache, and windows behind many products.
TEST(FuseConvPooling, LeavesWhatIsReadTwiceAndWhatWouldBeSlower) {
  constexpr std::string_view kGraph = R"(graph g {
    %x: f32[1, 3, 40, 40] = input
    %any: f32[1, 3, "?", 40] = input
    %large: f32[1, 64, 12, 1024] = input
    %deep: f32[1, 257, 30, 30] = input
    %w: f32[8, 3, 3, 3] = constant "random w"
    %u: f32[64, 64, 1, 1] = constant "random u"
    %v: f32[8, 257, 1, 1] = constant "random v"
    %b: f32[8] = constant "random b"
    %absent: none[0] = constant "0"
    %a: f32[1, 8, 38, 38] = Conv(%x, %w, %b)
    %c: f32[1, 8, 19, 19] = MaxPool(%a) {kernel_shape = "2,2", strides = "2,2"}
    %d: f32[1, 8, 1, 1] = GlobalMaxPool(%a)
    %e: f32[1, 8, 38, 38] = Conv(%x, %w, %b)
    %f: f32[1, 8, 37, 37], %g: i64[1, 8, 37, 37] = MaxPool(%e) {kernel_shape = "2,2", outputs = 2}
    %h: f32[1, 8, 38, 38] = FusedConv(%x, %w, %b, %e) {epilogue = "add"}
    %i: f32[1, 8, 37, 37] = AveragePool(%h) {kernel_shape = "2,2"}
    %j: f32[1, 8, "?", 38] = Conv(%any, %w, %b)
    %k: f32[1, 8, 1, 1] = GlobalAveragePool(%j)
    %l: f32[1, 8, 38, 38] = Conv(%x, %w, %b)
    %m: f32[1, 8, 1, 1] = GlobalAveragePool(%l)
    %n: f32[1, 64, 12, 1024] = Conv(%large, %u, %absent)
    %o: f32[1, 64, 6, 512] = MaxPool(%n) {kernel_shape = "3,3", pads = "1,1,1,1", strides = "2,2"}
    %p: f32[1, 8, 30, 30] = Conv(%deep, %v, %b)
    %q: f32[1, 8, 15, 15] = AveragePool(%p) {kernel_shape = "2,2", strides = "2,2"}
    return c = %c, d = %d, f = %f, g = %g, i = %i, k = %k, m = %m, o = %o, q = %q
  })";
  expect(kGraph, kGraph);
}

}  // namespace
}  // namespace lathe
