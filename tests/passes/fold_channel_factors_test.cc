#include "passes/before_expected.h"
#include "support/number_constants.h"

namespace lathe {
namespace {

TEST(FoldChannelFactors, ScalesWeightsAheadAndMergesWhatHasNone) {
  expect_rewrite(fold_channel_factors, R"(graph g {
    %x: f32[1, 3, 9, 9] = input
    %w: f32[4, 3, 3, 3] = constant "random w"
    %s: f32[4] = constant "random s"
    %v: f32[4] = constant "1.0"
    %f: f32[4, 1, 1] = constant "random f"
    %o: f32[1] = constant "random o"
    %a: f32[1, 4, 7, 7] = Conv(%x, %w)
    %b: f32[1, 4, 7, 7] = BatchNormalization(%a, %s, %s, %s, %v)
    %c: f32[1, 4, 7, 7] = Mul(%b, %f)
    %d: f32[1, 4, 7, 7] = Add(%o, %c)
    %r: f32[1, 4, 7, 7] = Relu(%d)
    %e: f32[1, 4, 7, 7] = BatchNormalization(%r, %s, %s, %s, %v)
    %y: f32[1, 4, 7, 7] = Mul(%e, %f)
    return y = %y
  })",
                 R"(graph g {
    %x: f32[1, 3, 9, 9] = input
    %w: f32[4, 3, 3, 3] = constant "random w"
    %s: f32[4] = constant "random s"
    %v: f32[4] = constant "1.0"
    %f: f32[4, 1, 1] = constant "random f"
    %o: f32[1] = constant "random o"
    %ws: f32[4, 3, 3, 3] = constant "random w.scaled"
    %wb: f32[4] = constant "random w.bias"
    %ss: f32[4] = constant "random s.scaled"
    %sb: f32[4] = constant "random s.bias"
    %d: f32[1, 4, 7, 7] = Conv(%x, %ws, %wb)
    %r: f32[1, 4, 7, 7] = Relu(%d)
    %y: f32[1, 4, 7, 7] = BatchNormalization(%r, %ss, %sb, %s, %v)
    return y = %y
  })",
                 {}, test::number_constant);
}

TEST(FoldChannelFactors, KeepsWhatOthersReadAndFactorsOfOtherAxes) {
  constexpr std::string_view kGraph = R"(graph g {
    %x: f32[1, 3, 9, 9] = input
    %w: f32[4, 3, 3, 3] = constant "random w"
    %f: f32[4, 1, 1] = constant "random f"
    %h: f32[7, 1] = constant "random h"
    %a: f32[1, 4, 7, 7] = Conv(%x, %w)
    %b: f32[1, 4, 7, 7] = Mul(%a, %f)
    %c: f32[1, 4, 7, 7] = Conv(%x, %w)
    %d: f32[1, 4, 7, 7] = Mul(%c, %h)
    return a = %a, b = %b, d = %d
  })";
  expect_rewrite(fold_channel_factors, kGraph, kGraph, {}, test::number_constant);
}

}  // namespace
}  // namespace lathe
