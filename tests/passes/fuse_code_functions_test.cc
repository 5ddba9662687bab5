#include "passes/before_expected.h"
#include "support/code_constants.h"

namespace lathe {
namespace {

/// Both graphs behind the same inputs and constants.
void expect_fused(const std::string& before, const std::string& made, const std::string& expected) {
  SCOPED_TRACE(before);
  constexpr std::string_view kGiven = R"(
    %a: u8[N, 4, 9, 9] = input
    %b: i8[N, 4, 9, 9] = input
    %gate: u8[N, 4, 1, 1] = input
    %s: f32[] = constant "0.5"
    %t: f32[1] = constant "0.25"
    %z: u8[] = constant "3"
    %i: i8[] = constant "-3"
  )";
  expect_rewrite(fuse_code_functions, "graph g {" + std::string(kGiven) + before + "}",
                 "graph g {" + std::string(kGiven) + made + expected + "}", {}, test::code_constant);
}

TEST(FuseCodeFunctions, SumsWithTheLimitsBehindThem) {
  expect_fused(R"(
    %d: f32[N, 4, 9, 9] = DequantizeLinear(%a, %s, %z)
    %e: f32[N, 4, 9, 9] = DequantizeLinear(%b, %t, %i)
    %c: f32[N, 4, 9, 9] = Add(%d, %e)
    %r: f32[N, 4, 9, 9] = Relu(%c)
    %y: u8[N, 4, 9, 9] = QuantizeLinear(%r, %t, %z)
    return y = %y)",
               "", R"(
    %y: u8[N, 4, 9, 9] = AddCodes(%a, %b, %s, %z, %t, %i, %t, %z) {least = 0}
    return y = %y)");
  expect_fused(R"(
    %d: f32[N, 4, 9, 9] = DequantizeLinear(%a, %s, %z)
    %c: f32[N, 4, 9, 9] = Sub(%d, %d)
    %r: f32[N, 4, 9, 9] = Clip(%c) {max = 6, min = -1}
    %y: i8[N, 4, 9, 9] = QuantizeLinear(%r, %s, %i)
    return y = %y)",
               "", R"(
    %y: i8[N, 4, 9, 9] = SubCodes(%a, %a, %s, %z, %s, %z, %s, %i) {least = -1, most = 6}
    return y = %y)");
}

TEST(FuseCodeFunctions, ProductsThatBroadcast) {
  expect_fused(R"(
    %d: f32[N, 4, 9, 9] = DequantizeLinear(%a, %s, %z)
    %e: f32[N, 4, 1, 1] = DequantizeLinear(%gate, %t)
    %c: f32[N, 4, 9, 9] = Mul(%d, %e)
    %y: u8[N, 4, 9, 9] = QuantizeLinear(%c, %s, %z)
    return y = %y)",
               R"( %none: u8[] = constant "zero")", R"(
    %y: u8[N, 4, 9, 9] = MulCodes(%a, %gate, %s, %z, %t, %none, %s, %z)
    return y = %y)");
}

TEST(FuseCodeFunctions, LeavesWhatIsReadAsFloatsOrMadeOfThem) {
  const std::string graph = R"(
    %real: f32[N, 4, 9, 9] = input
    %scale: f32[] = input
    %d: f32[N, 4, 9, 9] = DequantizeLinear(%a, %s, %z)
    %e: f32[N, 4, 9, 9] = DequantizeLinear(%b, %t, %i)
    %g: f32[N, 4, 9, 9] = DequantizeLinear(%b, %scale, %i)
    %c: f32[N, 4, 9, 9] = Add(%d, %e)
    %y: u8[N, 4, 9, 9] = QuantizeLinear(%c, %t, %z)
    %m: f32[N, 4, 9, 9] = Mul(%d, %real)
    %u: u8[N, 4, 9, 9] = QuantizeLinear(%m, %t, %z)
    %n: f32[N, 4, 9, 9] = Sub(%d, %g)
    %v: u8[N, 4, 9, 9] = QuantizeLinear(%n, %t, %z)
    %o: f32[N, 4, 9, 9] = Add(%e, %e)
    return y = %y, c = %c, u = %u, v = %v, o = %o)";
  expect_fused(graph, "", graph);
}

}  // namespace
}  // namespace lathe
