#include "passes/before_expected.h"
#include "support/code_constants.h"

namespace lathe {
namespace {

void expect_propagated(const std::string& before, const std::string& expected) {
  SCOPED_TRACE(before);
  constexpr std::string_view kConstants = R"(
    %s: f32[] = constant "0.5"
    %s2: f32[1] = constant "0.5 again"
    %other: f32[] = constant "0.25"
    %z: u8[] = constant "3"
    %least: u8[] = constant "0"
    %begin: i64[1] = constant "1"
    %axis: i64[1] = constant "2"
    %end: i64[1] = constant "4"
    %index: i64[3] = constant "0, 2, 1"
    %shape: i64[3] = constant "2, 2, 36"
  )";
  const auto whole = [&](const std::string& body) {
    return "graph g {" + std::string(kConstants) + body + "}";
  };
  expect_rewrite(propagate_quantization, whole(before), whole(expected), {}, test::code_constant,
                 test::code_constant);
}

struct Moving {
  std::string op;  // of reals
  std::string of_codes;
  std::string more;  // inputs and attributes
  std::string dims;  // of the result of [2, 4, 18]
};

/// All but MaxPool, which takes four dimensions.
const std::vector<Moving> kMoving = {
    {"Flatten", "Flatten", ")", "2, 72"},
    {"GatherAny", "GatherAny", ", %index) {axis = 1}", "2, 3, 18"},
    {"Reshape", "Reshape", ") {shape = \"4, -1\"}", "4, 36"},
    {"ReshapeAny", "ReshapeAny", ", %shape)", "2, 2, 36"},
    {"Slice", "Slice", ", %begin, %end, %axis)", "2, 4, 3"},
    {"Transpose", "TransposeAny", ") {perm = \"0, 2, 1\"}", "2, 18, 4"},
    {"TransposeAny", "TransposeAny", ") {perm = \"2, 0, 1\"}", "18, 2, 4"},
    {"Unsqueeze", "Unsqueeze", ", %begin)", "2, 1, 4, 18"},
};

TEST(PropagateQuantization, MovesDequantizationDown) {
  for (const auto& [op, of_codes, more, dims] : kMoving)
    expect_propagated(R"(
    %x: u8[2, 4, 18] = input
    %d: f32[2, 4, 18] = DequantizeLinear(%x, %s, %z)
    %m: f32[)" + dims +
                          "] = " + op + "(%d" + more + " %y: f32[" + dims + "] = Exp(%m) return y = %y",
                      R"(
    %x: u8[2, 4, 18] = input
    %m: u8[)" + dims +
                          "] = " + of_codes + "(%x" + more + " %d: f32[" + dims +
                          "] = DequantizeLinear(%m, %s, %z) %y: f32[" + dims + "] = Exp(%d) return y = %y");
}

TEST(PropagateQuantization, MovesQuantizationUp) {
  for (const auto& [op, of_codes, more, dims] : kMoving) {
    if (op == "Slice" || op == "GatherAny") continue;  // fewer elements are behind them
    expect_propagated(R"(
    %x: f32[2, 4, 18] = input
    %e: f32[2, 4, 18] = Exp(%x)
    %m: f32[)" + dims +
                          "] = " + op + "(%e" + more + " %y: u8[" + dims +
                          "] = QuantizeLinear(%m, %s, %z) return y = %y",
                      R"(
    %x: f32[2, 4, 18] = input
    %e: f32[2, 4, 18] = Exp(%x)
    %q: u8[2, 4, 18] = QuantizeLinear(%e, %s, %z)
    %y: u8[)" + dims +
                          "] = " + of_codes + "(%q" + more + " return y = %y");
  }
}

TEST(PropagateQuantization, MovesThroughPoolingAndSqueezingAndErasesPairs) {
  expect_propagated(R"(
    %x: u8[1, 4, 8, 8] = input
    %d: f32[1, 4, 8, 8] = DequantizeLinear(%x, %s, %z)
    %p: f32[1, 4, 4, 4] = MaxPool(%d) {kernel_shape = "2, 2", strides = "2, 2"}
    %q: u8[1, 4, 4, 4] = QuantizeLinear(%p, %s2, %z)
    %e: f32[1, 4, 4, 4] = DequantizeLinear(%q, %s, %z)
    %g: f32[1, 16, 2, 2] = SpaceToDepth(%e) {blocksize = 2}
    %h: f32[1, 4, 4, 4] = DepthToSpace(%g) {blocksize = 2}
    %u: f32[4, 4, 4] = Squeeze(%h)
    %y: f32[4, 4, 4] = Exp(%u)
    return y = %y)",
                    R"(
    %x: u8[1, 4, 8, 8] = input
    %p: u8[1, 4, 4, 4] = MaxPool(%x) {kernel_shape = "2, 2", strides = "2, 2"}
    %g: u8[1, 16, 2, 2] = SpaceToDepth(%p) {blocksize = 2}
    %h: u8[1, 4, 4, 4] = DepthToSpace(%g) {blocksize = 2}
    %u: u8[4, 4, 4] = Squeeze(%h)
    %d: f32[4, 4, 4] = DequantizeLinear(%u, %s, %z)
    %y: f32[4, 4, 4] = Exp(%d)
    return y = %y)");
}

TEST(PropagateQuantization, PadsCodesWithTheirZero) {
  expect_propagated(R"(
    %pads: i64[4] = constant "0, 1, 0, 2"
    %nothing: f32[] = constant "0.0"
    %x: u8[2, 5] = input
    %c: f32[2, 5] = input
    %d: f32[2, 5] = DequantizeLinear(%x, %s, %z)
    %m: f32[2, 8] = Pad(%d, %pads, %nothing)
    %y: f32[2, 8] = Exp(%m)
    %e: f32[2, 5] = Exp(%c)
    %n: f32[2, 8] = Pad(%e, %pads)
    %q: u8[2, 8] = QuantizeLinear(%n, %s, %z)
    return y = %y, q = %q)",
                    R"(
    %pads: i64[4] = constant "0, 1, 0, 2"
    %nothing: f32[] = constant "0.0"
    %x: u8[2, 5] = input
    %c: f32[2, 5] = input
    %m: u8[2, 8] = Pad(%x, %pads, %z)
    %d: f32[2, 8] = DequantizeLinear(%m, %s, %z)
    %y: f32[2, 8] = Exp(%d)
    %e: f32[2, 5] = Exp(%c)
    %r: u8[2, 5] = QuantizeLinear(%e, %s, %z)
    %q: u8[2, 8] = Pad(%r, %pads, %z)
    return y = %y, q = %q)");
}

TEST(PropagateQuantization, JoinsCodesOfEqualScales) {
  expect_propagated(R"(
    %a: u8[2, 3] = input
    %b: u8[2, 5] = input
    %c: f32[2, 8] = input
    %i: f32[2, 3] = DequantizeLinear(%a, %s, %z)
    %j: f32[2, 5] = DequantizeLinear(%b, %s2, %z)
    %k: f32[2, 8] = Concat(%i, %j) {axis = 1}
    %l: f32[2, 8] = Exp(%c)
    %m: f32[4, 8] = Concat(%k, %l) {axis = 0}
    %y: u8[4, 8] = QuantizeLinear(%m, %s, %z)
    return y = %y)",
                    R"(
    %a: u8[2, 3] = input
    %b: u8[2, 5] = input
    %c: f32[2, 8] = input
    %k: u8[2, 8] = Concat(%a, %b) {axis = 1}
    %l: f32[2, 8] = Exp(%c)
    %q: u8[2, 8] = QuantizeLinear(%l, %s, %z)
    %y: u8[4, 8] = Concat(%k, %q) {axis = 0}
    return y = %y)");
}

TEST(PropagateQuantization, HoldsCodesAtTheirZeroForRelu) {
  expect_propagated(R"(
    %x: u8[2, 8] = input
    %c: f32[2, 8] = input
    %i: f32[2, 8] = DequantizeLinear(%x, %s, %z)
    %r: f32[2, 8] = Relu(%i)
    %y: f32[2, 8] = Exp(%r)
    %j: f32[2, 8] = DequantizeLinear(%x, %other)
    %t: f32[2, 8] = Relu(%j)
    %v: f32[2, 8] = Exp(%t)
    %l: f32[2, 8] = Exp(%c)
    %o: f32[2, 8] = Relu(%l)
    %w: u8[2, 8] = QuantizeLinear(%o, %s, %least)
    return y = %y, v = %v, w = %w)",
                    R"(
    %x: u8[2, 8] = input
    %c: f32[2, 8] = input
    %m: u8[2, 8] = Max(%x, %z)
    %i: f32[2, 8] = DequantizeLinear(%m, %s, %z)
    %y: f32[2, 8] = Exp(%i)
    %j: f32[2, 8] = DequantizeLinear(%x, %other)
    %v: f32[2, 8] = Exp(%j)
    %l: f32[2, 8] = Exp(%c)
    %w: u8[2, 8] = QuantizeLinear(%l, %s, %least)
    return y = %y, v = %v, w = %w)");
}

TEST(PropagateQuantization, QuantizesOnceAndAboveWhatDropsElementsOfProducts) {
  expect_propagated(R"(
    %x: u8[1, 4, 8, 8] = input
    %w: f32[8, 4, 3, 3] = constant "random w"
    %d: f32[1, 4, 8, 8] = DequantizeLinear(%x, %s, %z)
    %c: f32[1, 8, 6, 6] = Conv(%d, %w)
    %r: f32[1, 8, 6, 6] = Relu(%c)
    %p: f32[1, 8, 3, 3] = MaxPool(%r) {kernel_shape = "2, 2", strides = "2, 2"}
    %a: u8[1, 8, 3, 3] = QuantizeLinear(%p, %s, %z)
    %b: u8[1, 8, 6, 6] = QuantizeLinear(%r, %s2, %z)
    return a = %a, b = %b)",
                    R"(
    %x: u8[1, 4, 8, 8] = input
    %w: f32[8, 4, 3, 3] = constant "random w"
    %d: f32[1, 4, 8, 8] = DequantizeLinear(%x, %s, %z)
    %c: f32[1, 8, 6, 6] = Conv(%d, %w)
    %r: f32[1, 8, 6, 6] = Relu(%c)
    %q: u8[1, 8, 6, 6] = QuantizeLinear(%r, %s, %z)
    %a: u8[1, 8, 3, 3] = MaxPool(%q) {kernel_shape = "2, 2", strides = "2, 2"}
    return a = %a, b = %q)");
}

TEST(PropagateQuantization, LeavesWhatWouldChangeCodes) {
  const std::string graph = R"(
    %x: u8[1, 4, 8, 8] = input
    %i: i8[1, 4, 8, 8] = input
    %e: f32[1, 4, 8, 8] = input
    %by_channel: f32[4] = constant "0.125"
    %wide: f32[] = constant "1e38"
    %pads: i64[8] = constant "0, 0, 1, 1, 0, 0, 1, 1"
    %weight: u8[4, 8] = constant "random weight"
    %w: f32[4, 8] = DequantizeLinear(%weight, %s)
    %turned: f32[8, 4] = Transpose(%w)
    %d: f32[1, 4, 8, 8] = DequantizeLinear(%x, %s, %z)
    %c: f32[1, 4, 8, 8] = DequantizeLinear(%x, %by_channel)
    %o: f32[1, 4, 8, 8] = DequantizeLinear(%x, %other, %z)
    %ones: f32[1, 4, 10, 10] = Pad(%d, %pads, %wide)
    %padding: f32[1, 4, 5, 7] = MaxPool(%d) {kernel_shape = "2, 2", pads = "2, 0, 0, 0", strides = "2, 1"}
    %gaps: f32[1, 4, 8, 8] = MaxPool(%d) {dilations = "2, 2", kernel_shape = "3, 3", pads = "2, 2, 2, 2"}
    %averages: f32[1, 4, 7, 7] = AveragePool(%d) {kernel_shape = "2, 2"}
    %flat: f32[4, 64] = Reshape(%c) {shape = "4, 64"}
    %both: f32[2, 4, 8, 8] = Concat(%d, %o) {axis = 0}
    %large: f32[1, 4, 8, 8] = DequantizeLinear(%x, %wide)
    %least_again: u8[1, 4, 8, 8] = QuantizeLinear(%large, %wide)
    %again: u8[1, 4, 8, 8] = QuantizeLinear(%d, %other, %z)
    %r: f32[1, 4, 8, 8] = Relu(%e)
    %signed: u8[1, 4, 8, 8] = QuantizeLinear(%r, %s, %z)
    %p: f32[1, 4, 4, 4] = MaxPool(%e) {kernel_shape = "2, 2", strides = "2, 2"}
    %q: u8[1, 4, 4, 4] = QuantizeLinear(%p, %s, %z)
    return a = %padding, b = %gaps, c = %averages, d = %flat, e = %both, f = %least_again, g = %again, h = %signed, i = %q, j = %turned, k = %ones)";
  expect_propagated(graph, graph);
}

}  // namespace
}  // namespace lathe
