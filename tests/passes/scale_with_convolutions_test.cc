#include "passes/before_expected.h"
#include "support/number_constants.h"

namespace lathe {
namespace {

TEST(ScaleWithConvolutions, TakesNormalizationsInFrontOfFunctions) {
  expect_rewrite(scale_with_convolutions, R"(graph g {
    %x: f32[N, 4, 9, 9] = input
    %s: f32[4] = constant "random s"
    %v: f32[4] = constant "1.5"
    %a: f32[N, 4, 9, 9] = BatchNormalization(%x, %s, %s, %s, %v)
    %y: f32[N, 4, 9, 9] = Relu(%a)
    return y = %y
  })",
                 R"(graph g {
    %x: f32[N, 4, 9, 9] = input
    %s: f32[4] = constant "random s"
    %v: f32[4] = constant "1.5"
    %w: f32[4, 1, 1, 1] = constant "random s.factors"
    %b: f32[4] = constant "random s.offsets"
    %a: f32[N, 4, 9, 9] = Conv(%x, %w, %b) {group = 4}
    %y: f32[N, 4, 9, 9] = Relu(%a)
    return y = %y
  })",
                 {}, test::number_constant);
}

TEST(ScaleWithConvolutions, KeepsOnesWithoutAFunctionAndComputedFactors) {
  constexpr std::string_view kGraph = R"(graph g {
    %x: f32[1, 4, 9, 9] = input
    %c: f32[4] = input
    %s: f32[4] = constant "random s"
    %v: f32[4] = constant "1.5"
    %a: f32[1, 4, 9, 9] = BatchNormalization(%x, %s, %s, %s, %v)
    %b: f32[1, 4, 9, 9] = Abs(%a)
    %d: f32[1, 4, 9, 9] = BatchNormalization(%x, %s, %c, %s, %v)
    %e: f32[1, 4, 9, 9] = Relu(%d)
    %f: f32[1, 4, 9, 9] = BatchNormalization(%x, %s, %s, %s, %v)
    %g: f32[1, 4, 9, 9] = Relu(%f)
    return b = %b, e = %e, f = %f, g = %g
  })";
  expect_rewrite(scale_with_convolutions, kGraph, kGraph, {}, test::number_constant);
}

}  // namespace
}  // namespace lathe
