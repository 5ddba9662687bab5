#include "passes/before_expected.h"
#include "support/code_constants.h"

namespace lathe {
namespace {

constexpr std::string_view kInputs = R"(
    %x: u8[N, 4] = input
    %image: u8[N, 4, 9, 9] = input
    %zx: u8[] = input
    %sx: f32[] = input
    %second: i8[4, 8] = input
    %steps: f32[8] = constant "0.125"
    %middle: u8[1] = constant "128"
    %hundred: u8[] = constant "100"
    %w: i8[8, 4, 3, 3] = constant "random w"
    %n: i8[4, 8] = constant "random n"
    %u: u8[4, 8] = constant "random u"
    %bias: f32[8] = constant "random bias"
  )";

void expect_fused(const std::string& before, const std::string& made, const std::string& expected) {
  const auto whole = [](const std::string& body) { return "graph g {" + std::string(kInputs) + body + "}"; };
  expect_rewrite(fuse_integer_products, whole(before), whole(made + expected), {}, test::code_constant);
}

TEST(FuseIntegerProducts, RowsWithScalesThatARunComputes) {
  expect_fused(R"(
    %p: i32[N, 8] = MatMulInteger(%x, %n, %zx)
    %c: f32[N, 8] = Cast(%p) {to = "f32"}
    %f: f32[8] = Mul(%sx, %steps)
    %m: f32[N, 8] = Mul(%f, %c)
    %b: f32[N, 8] = Add(%m, %bias)
    %y: f32[N, 8] = Relu(%b)
    return y = %y)",
               R"( %codes: i8[8, 4] = constant "random n.codes")", R"(
    %f: f32[8] = Mul(%sx, %steps)
    %y: f32[N, 8] = LinearCodes(%x, %codes, %f, %bias, %zx) {least = 0}
    return y = %y)");
}

TEST(FuseIntegerProducts, ConvolutionsWithOneScaleForAllRows) {
  expect_fused(R"(
    %p: i32[N, 8, 5, 5] = ConvInteger(%image, %w, %zx) {pads = "1, 1, 1, 1", strides = "2, 2"}
    %c: f32[N, 8, 5, 5] = Cast(%p) {to = "f32"}
    %y: f32[N, 8, 5, 5] = Mul(%c, %sx)
    return y = %y)",
               R"(
    %ones: f32[8] = constant "ones"
    %absent: none[0] = constant "absent")",
               R"(
    %flat: f32[1] = Reshape(%sx) {shape = "1"}
    %factors: f32[8] = Mul(%flat, %ones)
    %y: f32[N, 8, 5, 5] = ConvCodes(%image, %w, %factors, %absent, %zx) {pads = "1, 1, 1, 1", strides = "2, 2"}
    return y = %y)");
}

TEST(FuseIntegerProducts, TakesZerosOffAndNeedsNoScale) {
  expect_fused(R"(
    %p: i32[N, 8] = MatMulInteger(%x, %u, %zx, %middle)
    %y: f32[N, 8] = Cast(%p) {to = "f32"}
    return y = %y)",
               R"(
    %codes: i8[8, 4] = constant "random u.codes"
    %one: f32[1] = constant "one"
    %rows: f32[8] = constant "one.rows"
    %absent: none[0] = constant "absent")",
               R"(
    %y: f32[N, 8] = LinearCodes(%x, %codes, %rows, %absent, %zx)
    return y = %y)");
}

TEST(FuseIntegerProducts, LeavesOtherSumsAndWeights) {
  const std::string graph = R"(
    %p: i32[N, 8] = MatMulInteger(%x, %n, %zx)
    %q: i32[N, 8] = MatMulInteger(%x, %second, %zx)
    %a: f32[N, 8] = Cast(%q) {to = "f32"}
    %r: i32[N, 8] = MatMulInteger(%x, %u, %zx, %hundred)
    %b: f32[N, 8] = Cast(%r) {to = "f32"}
    return p = %p, a = %a, b = %b)";
  expect_fused(graph, "", graph);
}

}  // namespace
}  // namespace lathe
