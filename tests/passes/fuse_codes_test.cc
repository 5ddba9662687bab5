#include "passes/before_expected.h"
#include "support/code_constants.h"

namespace lathe {
namespace {

/// Both graphs with the same constants in front; `made` are those that the pass adds.
void expect_fused(const std::string& before, const std::string& made, const std::string& expected) {
  SCOPED_TRACE(before);
  constexpr std::string_view kConstants = R"(
    %s: f32[] = constant "0.5"
    %t: f32[1] = constant "0.25"
    %z: u8[] = constant "3"
    %i: i8[] = constant "-3"
    %none: i8[] = constant "0"
    %none8: i8[8] = constant "0 of rows"
    %steps: f32[8] = constant "0.125"
    %w: i8[8, 4, 3, 3] = constant "random w"
    %m: i8[8, 4] = constant "random m"
    %n: i8[4, 8] = constant "random n"
    %bias: f32[8] = constant "random bias"
    %row: f32[1, 8] = constant "random row"
    %channels: f32[8, 1, 1] = constant "random channels"
  )";
  const auto whole = [&](const std::string& body) {
    return "graph g {" + std::string(kConstants) + body + "}";
  };
  // inputs come first, as they do where the pass adds constants
  const auto inputs = before.substr(0, before.rfind("= input") + 8);
  expect_rewrite(fuse_codes, whole(before), whole(inputs + made + expected), {}, test::code_constant);
}

TEST(FuseCodes, ConvolutionsWithAllThatIsBehindThem) {
  expect_fused(R"(
    %x: u8[N, 4, 9, 9] = input
    %a: i8[N, 8, 9, 9] = input
    %d: f32[N, 4, 9, 9] = DequantizeLinear(%x, %s, %z)
    %f: f32[8, 4, 3, 3] = DequantizeLinear(%w, %steps, %none8) {axis = 0}
    %c: f32[N, 8, 9, 9] = Conv(%d, %f, %bias) {kernel_shape = "3, 3", pads = "1, 1, 1, 1"}
    %e: f32[N, 8, 9, 9] = DequantizeLinear(%a, %t, %i)
    %p: f32[N, 8, 9, 9] = Add(%e, %c)
    %r: f32[N, 8, 9, 9] = Relu(%p)
    %y: u8[N, 8, 9, 9] = QuantizeLinear(%r, %t, %z)
    return y = %y)",
               R"( %factors: f32[8] = constant "random w.factors")", R"(
    %y: u8[N, 8, 9, 9] = ConvCodes(%x, %w, %factors, %bias, %z, %a, %t, %i, %t, %z) {kernel_shape = "3, 3", least = 0, pads = "1, 1, 1, 1"}
    return y = %y)");
}

TEST(FuseCodes, ProductsOfRowsWithBiasesBehindThem) {
  expect_fused(R"(
    %x: i8[N, 5, 4] = input
    %a: f32[N, 5, 8] = input
    %d: f32[N, 5, 4] = DequantizeLinear(%x, %s)
    %f: f32[4, 8] = DequantizeLinear(%n, %steps, %none8) {axis = -1}
    %c: f32[N, 5, 8] = MatMul(%d, %f)
    %b: f32[N, 5, 8] = Add(%row, %c)
    %p: f32[N, 5, 8] = Add(%b, %a)
    %y: f32[N, 5, 8] = Clip(%p) {max = 6, min = -1}
    return y = %y)",
               R"(
    %codes: i8[8, 4] = constant "random n.codes"
    %factors: f32[8] = constant "random n.codes.factors"
    %zero: i8[] = constant "zero"
    %bias_rows: f32[8] = constant "random row.rows")",
               R"(
    %y: f32[N, 5, 8] = LinearCodes(%x, %codes, %factors, %bias_rows, %zero, %a) {least = -1, most = 6}
    return y = %y)");
}

TEST(FuseCodes, EachFormOfAProductWithAMatrix) {
  const std::string head = R"(
    %x: u8[N, 4] = input
    %d: f32[N, 4] = DequantizeLinear(%x, %s, %z)
    )";
  const std::string rows = "%f: f32[8, 4] = DequantizeLinear(%m, %t, %none) ";
  const std::string columns = "%f: f32[4, 8] = DequantizeLinear(%n, %t, %none) ";
  const std::string turned = "%g: f32[4, 8] = Transpose(%f) {perm = \"1, 0\"} ";
  const std::string by_rows = R"( %factors: f32[8] = constant "random m.factors")";
  const std::string by_columns = R"(
    %c: i8[8, 4] = constant "random n.codes"
    %factors: f32[8] = constant "random n.codes.factors")";
  const std::string absent = R"( %absent: none[0] = constant "absent")";
  const auto product = [](const std::string& weight, const std::string& bias) {
    return "%y: f32[N, 8] = LinearCodes(%x, %" + weight + ", %factors, %" + bias + ", %z) return y = %y";
  };
  const auto give = [](const std::string& node) { return "%y: f32[N, 8] = " + node + " return y = %y"; };
  expect_fused(head + rows + give("Linear(%d, %f)"), by_rows + absent, product("m", "absent"));
  expect_fused(head + rows + give("Gemm(%d, %f, %row) {transB = 1}"),
               by_rows + R"( %b: f32[8] = constant "random row.rows")", product("m", "b"));
  expect_fused(head + columns + give("Gemm(%d, %f, %bias)"), by_columns, product("c", "bias"));
  expect_fused(head + rows + turned + give("MatMul(%d, %g)"), by_rows + absent, product("m", "absent"));
}

TEST(FuseCodes, TakesTheZerosOffTheWeights) {
  expect_fused(R"(
    %middle: u8[] = constant "128"
    %u: u8[8, 4] = constant "random u"
    %x: u8[N, 4] = input
    %d: f32[N, 4] = DequantizeLinear(%x, %s, %z)
    %f: f32[8, 4] = DequantizeLinear(%u, %t, %middle)
    %y: f32[N, 8] = Linear(%d, %f)
    return y = %y)",
               R"(
    %codes: i8[8, 4] = constant "random u.codes"
    %factors: f32[8] = constant "random u.codes.factors"
    %absent: none[0] = constant "absent")",
               "%y: f32[N, 8] = LinearCodes(%x, %codes, %factors, %absent, %z) return y = %y");
}

TEST(FuseCodes, StopsWhereAnotherReadsWhatIsBetween) {
  expect_fused(R"(
    %x: u8[N, 4] = input
    %d: f32[N, 4] = DequantizeLinear(%x, %s, %z)
    %f: f32[8, 4] = DequantizeLinear(%m, %t)
    %c: f32[N, 8] = Linear(%d, %f)
    %r: f32[N, 8] = Relu(%c)
    %y: u8[N, 8] = QuantizeLinear(%r, %t, %z)
    return y = %y, r = %r)",
               R"(
    %factors: f32[8] = constant "random m.factors"
    %absent: none[0] = constant "absent")",
               R"(
    %r: f32[N, 8] = LinearCodes(%x, %m, %factors, %absent, %z) {least = 0}
    %y: u8[N, 8] = QuantizeLinear(%r, %t, %z)
    return y = %y, r = %r)");
}

TEST(FuseCodes, LeavesInFloatWhatHasNoCodesOfThatForm) {
  const std::string graph = R"(
    %x: u8[N, 4] = input
    %image: u8[N, 4, 9, 9] = input
    %real: f32[N, 4] = input
    %scale: f32[] = input
    %second: u8[4, 8] = input
    %hundred: u8[] = constant "100"
    %u: u8[8, 4] = constant "random u"
    %long: i8[2, 70000] = constant "127"
    %wide: u8[N, 70000] = input
    %blocks: f32[8, 2] = constant "0.75"
    %d: f32[N, 4] = DequantizeLinear(%x, %s, %z)
    %e: f32[N, 4, 9, 9] = DequantizeLinear(%image, %s, %z)
    %g: f32[N, 4] = DequantizeLinear(%x, %scale)
    %asymmetric: f32[8, 4] = DequantizeLinear(%u, %t, %hundred)
    %by_input: f32[8, 4] = DequantizeLinear(%m, %blocks) {axis = 1, block_size = 2}
    %rows: f32[8, 4, 3, 3] = DequantizeLinear(%w, %t)
    %plain: f32[8, 4] = DequantizeLinear(%m, %t)
    %computed: f32[4, 8] = DequantizeLinear(%second, %t)
    %h: f32[N, 70000] = DequantizeLinear(%wide, %s)
    %longest: f32[2, 70000] = DequantizeLinear(%long, %t)
    %a: f32[N, 8] = Linear(%d, %asymmetric)
    %b: f32[N, 8] = Linear(%d, %by_input)
    %c: f32[N, 8] = Linear(%g, %plain)
    %k: f32[N, 8] = Linear(%real, %plain)
    %l: f32[N, 8] = MatMul(%d, %computed)
    %o: f32[N, 2] = Linear(%h, %longest)
    %p: f32[N, 8] = Gemm(%d, %plain) {alpha = 2, transB = 1}
    return a = %a, b = %b, c = %c, k = %k, l = %l, o = %o, p = %p)";
  expect_fused(graph, "", graph.substr(graph.rfind("= input") + 8));
}

}  // namespace
}  // namespace lathe
