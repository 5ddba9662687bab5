#include "passes/before_expected.h"
#include "support/code_constants.h"

namespace lathe {
namespace {

TEST(FoldPads, PadsWhereTheWindowDoes) {
  expect_rewrite(fold_pads, R"(graph g {
    %x: f32[N, 3, 9, 9] = input
    %w: f32[3, 3, 3, 3] = constant "random w"
    %all: i64[8] = constant "0,0,1,2,0,0,0,1"
    %two: i64[4] = constant "1,2,3,4"
    %axes: i64[2] = constant "-1,2"
    %zero: f32[] = constant "0"
    %least: f32[] = constant "-inf"
    %a: f32[N, 3, 10, 12] = Pad(%x, %all)
    %b: f32[N, 3, 10, 12] = Conv(%a, %w) {pads = "1,1,1,1"}
    %c: f32[N, 3, 16, 16] = Pad(%b, %two, %zero, %axes) {mode = "constant"}
    %d: f32[N, 3, 14, 14] = AveragePool(%c) {kernel_shape = "3,3"}
    %e: f32[N, 3, 15, 17] = Pad(%d, %all, %least)
    %y: f32[N, 3, 7, 8] = MaxPool(%e) {kernel_shape = "2,2", strides = "2,2", auto_pad = "VALID"}
    return y = %y
  })",
                 R"(graph g {
    %x: f32[N, 3, 9, 9] = input
    %w: f32[3, 3, 3, 3] = constant "random w"
    %all: i64[8] = constant "0,0,1,2,0,0,0,1"
    %two: i64[4] = constant "1,2,3,4"
    %axes: i64[2] = constant "-1,2"
    %zero: f32[] = constant "0"
    %least: f32[] = constant "-inf"
    %b: f32[N, 3, 10, 12] = Conv(%x, %w) {pads = "2, 3, 1, 2"}
    %d: f32[N, 3, 14, 14] = AveragePool(%b) {count_include_pad = 1, kernel_shape = "3,3", pads = "2, 1, 4, 3"}
    %y: f32[N, 3, 7, 8] = MaxPool(%d) {kernel_shape = "2,2", pads = "1, 2, 0, 1", strides = "2,2"}
    return y = %y
  })",
                 {}, test::code_constant);
}

TEST(FoldPads, KeepsOtherNumbersAxesModesAndWhatOthersRead) {
  constexpr std::string_view kGraph = R"(graph g {
    %x: f32[1, 3, 9, 9] = input
    %n: i64[8] = input
    %w: f32[3, 3, 3, 3] = constant "random w"
    %v: f32[4, 4, 3, 3] = constant "random v"
    %all: i64[8] = constant "0,0,1,1,0,0,1,1"
    %less: i64[8] = constant "0,0,-1,1,0,0,1,1"
    %channels: i64[8] = constant "0,1,0,0,0,0,0,0"
    %one: f32[] = constant "1"
    %a: f32[1, 3, 11, 11] = Pad(%x, %all, %one)
    %b: f32[1, 3, 9, 9] = Conv(%a, %w)
    %c: f32[1, 3, 11, 11] = Pad(%x, %all) {mode = "edge"}
    %d: f32[1, 3, 9, 9] = Conv(%c, %w)
    %e: f32[1, 3, 9, 11] = Pad(%x, %less)
    %f: f32[1, 3, 7, 9] = Conv(%e, %w)
    %g: f32[1, 4, 9, 9] = Pad(%x, %channels)
    %h: f32[1, 4, 7, 7] = Conv(%g, %v)
    %i: f32[1, 3, 11, 11] = Pad(%x, %all)
    %j: f32[1, 3, 9, 9] = Conv(%i, %w)
    %k: f32[1, 3, 9, 9] = MaxPool(%i) {kernel_shape = "3,3"}
    %l: f32[1, 3, 11, 11] = Pad(%x, %all)
    %m: f32[1, 3, 11, 11] = Conv(%l, %w) {auto_pad = "SAME_UPPER"}
    %o: f32[1, 3, 11, 11] = Pad(%x, %all)
    %p: f32[1, 3, 11, 11] = AveragePool(%o) {kernel_shape = "3,3", pads = "1,1,1,1"}
    %q: f32[1, 3, 11, 11] = Pad(%x, %all)
    %r: f32[1, 3, 9, 9] = MaxPool(%q) {kernel_shape = "3,3"}
    return b = %b, d = %d, f = %f, h = %h, j = %j, k = %k, m = %m, p = %p, r = %r
  })";
  Graph graph = parse_graph(kGraph, test::code_constant);
  const std::string before = print(graph);
  EXPECT_FALSE(fold_pads(graph, {}));
  EXPECT_EQ(print(graph), before);
}

}  // namespace
}  // namespace lathe
