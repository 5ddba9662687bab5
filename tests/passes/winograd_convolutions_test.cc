#include <algorithm>

#include "passes/before_expected.h"
#include "passes/constants.h"
#include "support/number_constants.h"

namespace lathe {
namespace {

TEST(WinogradConvolutions, TakesLargeOnesOfThreeByThree) {
  expect_rewrite(winograd_convolutions, R"(graph g {
    %x: f32[N, 16, 14, 17] = input
    %w: f32[24, 16, 3, 3] = constant "random w"
    %b: f32[24] = constant "random b"
    %v: f32[16, 24, 3, 3] = constant "random v"
    %absent: none[0] = constant "absent"
    %a: f32[N, 24, 14, 17] = Conv(%x, %w, %b) {auto_pad = "SAME_UPPER"}
    %c: f32[N, 16, 14, 15] = FusedConv(%a, %v, %absent) {epilogue = "clip", alpha = 0, beta = 6, pads = "2,0,0,0"}
    return y = %c
  })",
                 R"(graph g {
    %x: f32[N, 16, 14, 17] = input
    %w: f32[24, 16, 3, 3] = constant "random w"
    %b: f32[24] = constant "random b"
    %v: f32[16, 24, 3, 3] = constant "random v"
    %absent: none[0] = constant "absent"
    %tw: f32[36, 24, 16] = constant "random w.winograd"
    %tv: f32[36, 16, 24] = constant "random v.winograd"
    %a: f32[N, 24, 14, 17] = WinogradConv(%x, %tw, %b) {pads = "1, 1, 1, 1"}
    %c: f32[N, 16, 14, 15] = WinogradConv(%a, %tv, %absent) {alpha = 0, beta = 6, epilogue = "clip", pads = "2, 0, 0, 0"}
    return y = %c
  })",
                 {}, test::number_constant);
}

TEST(WinogradConvolutions, TransformsKernels) {
  Graph graph = parse_graph(R"(graph g {
    %x: f32[1, 16, 20, 20] = input
    %w: f32[16, 16, 3, 3] = constant "random w"
    %a: f32[1, 16, 18, 18] = Conv(%x, %w)
    return y = %a
  })",
                            test::number_constant);
  ASSERT_TRUE(winograd_convolutions(graph, {}));
  // G of F(4 x 4, 3 x 3), as Lavin and Gray print it
  constexpr double kG[6][3] = {{1. / 4, 0, 0},
                               {-1. / 6, -1. / 6, -1. / 6},
                               {-1. / 6, 1. / 6, -1. / 6},
                               {1. / 24, 1. / 12, 1. / 6},
                               {1. / 24, -1. / 12, 1. / 6},
                               {0, 0, 1}};
  const Value& before = *std::ranges::find(graph.values, "random w", &Value::name);
  const Value& after = *std::ranges::find(graph.values, "random w.winograd", &Value::name);
  for (const std::size_t kernel : {0u, 17u, 255u})
    for (std::size_t f = 0; f < 36; ++f) {
      double sum = 0;
      for (std::size_t i = 0; i < 9; ++i)
        sum += kG[f / 6][i / 3] * kG[f % 6][i % 3] *
               static_cast<double>(constant_element(before, kernel * 9 + i));
      EXPECT_NEAR(static_cast<double>(constant_element(after, f * 256 + kernel)), sum, 1e-6);
    }
}

TEST(WinogradConvolutions, KeepsOtherKernelsStridesGroupsAndSmallOnes) {
  constexpr std::string_view kGraph = R"(graph g {
    %x: f32[1, 16, 20, 20] = input
    %h: f32[1, 16, H, 20] = input
    %s: f32[1, 16, 7, 7] = input
    %c: f32[16, 16, 3, 3] = input
    %w: f32[16, 16, 3, 3] = constant "random w"
    %v: f32[16, 8, 3, 3] = constant "random v"
    %u: f32[16, 16, 3, 5] = constant "random u"
    %t: f32[8, 16, 3, 3] = constant "random t"
    %a: f32[1, 16, 9, 9] = Conv(%x, %w) {strides = "2,2"}
    %b: f32[1, 16, 18, 18] = Conv(%x, %v) {group = 2}
    %d: f32[1, 16, 18, 16] = Conv(%x, %u)
    %e: f32[1, 8, 18, 18] = Conv(%x, %t)
    %f: f32[1, 16, 7, 7] = Conv(%s, %w) {pads = "1,1,1,1"}
    %g: f32[1, 16, H, 20] = Conv(%h, %w) {pads = "1,1,1,1"}
    %i: f32[1, 16, 18, 18] = Conv(%x, %c)
    %j: f32[1, 16, 16, 16] = Conv(%x, %w) {dilations = "2,2"}
    return a = %a, b = %b, d = %d, e = %e, f = %f, g = %g, i = %i, j = %j
  })";
  expect_rewrite(winograd_convolutions, kGraph, kGraph, {}, test::number_constant);
}

}  // namespace
}  // namespace lathe
