#include "passes/before_expected.h"
#include "support/code_constants.h"

namespace lathe {
namespace {

/// Both graphs with the same constants in front; `made` are those that the pass adds.
void expect_lowered(const std::string& before, const std::string& made, const std::string& expected) {
  SCOPED_TRACE(before);
  constexpr std::string_view kGiven = R"(
    %x: u8[N, 4, 9, 9] = input
    %rows: i8[N, 4] = input
    %s: f32[] = constant "0.5"
    %t: f32[1] = constant "0.25"
    %z: u8[] = constant "3"
    %i: i8[] = constant "-3"
    %middle: u8[] = constant "128"
    %none: i8[] = constant "0"
    %none8: i8[8] = constant "0 of rows"
    %steps: f32[8] = constant "0.125"
    %w: i8[8, 2, 3, 3] = constant "random w"
    %n: u8[4, 8] = constant "random n"
    %bias: i32[8] = constant "77"
  )";
  expect_rewrite(lower_quantized_products, "graph g {" + std::string(kGiven) + before + "}",
                 "graph g {" + std::string(kGiven) + made + expected + "}", {}, test::code_constant);
}

TEST(LowerQuantizedProducts, Convolutions) {
  expect_lowered(R"(
    %y: i8[N, 8, 9, 9] = QLinearConv(%x, %s, %z, %w, %steps, %none8, %t, %i, %bias) {group = 2, pads = "1, 1, 1, 1"}
    return y = %y)",
                 R"(
    %factors: f32[8] = constant "random w.factors"
    %absent: none[0] = constant "absent")",
                 R"(
    %y: i8[N, 8, 9, 9] = ConvCodes(%x, %w, %factors, %bias, %z, %absent, %absent, %absent, %absent, %i) {group = 2, pads = "1, 1, 1, 1"}
    return y = %y)");
}

TEST(LowerQuantizedProducts, RowsTimesAMatrixAroundItsZero) {
  expect_lowered(R"(
    %y: u8[N, 8] = QLinearMatMul(%rows, %s, %i, %n, %t, %middle, %s, %z)
    return y = %y)",
                 R"(
    %codes: i8[8, 4] = constant "random n.codes"
    %factors: f32[8] = constant "random n.codes.factors"
    %absent: none[0] = constant "absent")",
                 R"(
    %y: u8[N, 8] = LinearCodes(%rows, %codes, %factors, %absent, %i, %absent, %absent, %absent, %absent, %z)
    return y = %y)");
}

TEST(LowerQuantizedProducts, TakesWhatFitsIntoTwoPartsTwice) {
  expect_lowered(R"(
    %hundred: u8[] = constant "100"
    %y: u8[N, 8] = QLinearMatMul(%rows, %s, %i, %n, %t, %hundred, %s, %z)
    return y = %y)",
                 R"(
    %hundred: u8[] = constant "100"
    %codes: i8[8, 8] = constant "random n.codes"
    %factors: f32[8] = constant "random n.codes.factors"
    %absent: none[0] = constant "absent")",
                 R"(
    %c: i8[N, 8] = Concat(%rows, %rows) {axis = 1}
    %y: u8[N, 8] = LinearCodes(%c, %codes, %factors, %absent, %i, %absent, %absent, %absent, %absent, %z)
    return y = %y)");
}

TEST(LowerQuantizedProducts, GivesEachRowItsFactor) {
  Graph graph = parse_graph(R"(graph g {
    %x: u8[1, 2, 3, 3] = input
    %s: f32[] = constant "0.3"
    %t: f32[] = constant "0.7"
    %z: u8[] = constant "3"
    %i: i8[] = constant "0"
    %steps: f32[8] = constant "random steps"
    %w: i8[8, 2, 3, 3] = constant "random w"
    %y: u8[1, 8, 1, 1] = QLinearConv(%x, %s, %z, %w, %steps, %i, %t, %z)
    return y = %y
  })",
                            test::code_constant);
  ASSERT_TRUE(lower_quantized_products(graph, {}));
  const auto steps = test::code_constant("random steps", {Dtype::f32, {8}});
  const auto& factors = graph.value(graph.nodes.at(0).inputs.at(2)).data;
  for (int i = 0; i < 8; ++i) {
    const float step = reinterpret_cast<const float*>(steps.first.data)[i];
    EXPECT_EQ(reinterpret_cast<const float*>(factors.data)[i], 0.3f * step / 0.7f);
  }
}

TEST(LowerQuantizedProducts, LeavesWhatHasNoCodesOfThatForm) {
  const std::string graph = R"(
    %scale: f32[] = input
    %other: i8[4, 8] = input
    %by_rows: f32[N] = input
    %zeros: i8[N] = input
    %hundred: u8[] = constant "100"
    %batch: i8[N, 4, 8] = input
    %u: u8[8, 2, 3, 3] = constant "random u"
    %a: u8[N, 8, 7, 7] = QLinearConv(%x, %s, %z, %u, %t, %hundred, %s, %z) {group = 2}
    %b: u8[N, 8] = QLinearMatMul(%rows, %scale, %i, %n, %t, %middle, %s, %z)
    %c: u8[N, 8] = QLinearMatMul(%rows, %s, %i, %other, %t, %none, %s, %z)
    %d: u8[N, 8] = QLinearMatMul(%rows, %by_rows, %zeros, %n, %t, %middle, %s, %z)
    %e: u8[N, N, 8] = QLinearMatMul(%rows, %s, %i, %batch, %t, %none, %s, %z)
    return a = %a, b = %b, c = %c, d = %d, e = %e)";
  expect_lowered(graph, "", graph);
}

}  // namespace
}  // namespace lathe
