#include "passes/before_expected.h"
#include "support/number_constants.h"

namespace lathe {
namespace {

constexpr std::string_view kSources = R"(graph g {
  %q: f32[2, 4, T, 8] = input
  %k: f32[2, 4, S, 8] = input
  %v: f32[2, 4, S, 6] = input
  %mask: f32[T, S] = input
  %scale: f32[] = constant "0.25"
  %root: f32[] = constant "4"
  %cap: f32[1] = constant "30"
)";

std::string graph_of(std::string_view body) {
  return std::string(kSources) + std::string(body) + "return y = %y }";
}

void expect_attention(std::string_view before, std::string_view expected) {
  expect_rewrite(recognize_attention, graph_of(before), graph_of(expected), {}, test::number_constant);
}

TEST(RecognizeAttention, ScaledAndMasked) {
  expect_attention(R"(
    %kt: f32[2, 4, 8, S] = Transpose(%k) {perm = "0, 1, 3, 2"}
    %s: f32[2, 4, T, S] = MatMul(%q, %kt)
    %d: f32[2, 4, T, S] = Div(%s, %root)
    %m: f32[2, 4, T, S] = Add(%d, %mask)
    %p: f32[2, 4, T, S] = Softmax(%m) {axis = 3}
    %y: f32[2, 4, T, 6] = MatMul(%p, %v)
  )",
                   "%y: f32[2, 4, T, 6] = Attention(%q, %k, %v, %mask) {scale = 0.25}");
}

TEST(RecognizeAttention, ScaledBeforeTheProductInParts) {
  expect_attention(R"(
    %qs: f32[2, 4, T, 8] = Mul(%q, %scale)
    %ks: f32[2, 4, S, 8] = Mul(%scale, %k)
    %kt: f32[2, 4, 8, S] = Transpose(%ks) {perm = "0, 1, 3, 2"}
    %kd: f32[2, 4, 8, S] = Mul(%kt, %root)
    %s: f32[2, 4, T, S] = MatMul(%qs, %kd)
    %p: f32[2, 4, T, S] = Softmax(%s)
    %y: f32[2, 4, T, 6] = MatMul(%p, %v)
  )",
                   "%y: f32[2, 4, T, 6] = Attention(%q, %k, %v) {scale = 0.25}");
}

TEST(RecognizeAttention, SoftcapAndKeysThatAreTransposedElsewhere) {
  expect_attention(R"(
    %kt: f32[2, 4, 8, S] = Transpose(%k) {perm = "0, 1, 3, 2"}
    %kn: f32[2, 4, 8, S] = Neg(%kt)
    %s: f32[2, 4, T, S] = MatMul(%q, %kn)
    %c: f32[2, 4, T, S] = Div(%s, %cap)
    %t: f32[2, 4, T, S] = Tanh(%c)
    %u: f32[2, 4, T, S] = Mul(%t, %cap)
    %p: f32[2, 4, T, S] = Softmax(%u)
    %y: f32[2, 4, T, 6] = MatMul(%p, %v)
  )",
                   R"(
    %kt: f32[2, 4, 8, S] = Transpose(%k) {perm = "0, 1, 3, 2"}
    %kn: f32[2, 4, 8, S] = Neg(%kt)
    %kb: f32[2, 4, S, 8] = Transpose(%kn) {perm = "0, 1, 3, 2"}
    %y: f32[2, 4, T, 6] = Attention(%q, %kb, %v) {scale = 1, softcap = 30}
  )");
}

TEST(RecognizeAttention, GroupedHeads) {
  constexpr std::string_view kHeads = R"(graph g {
    %q: f32[1, 6, T, 8] = input
    %k: f32[1, 2, T, 8] = input
    %v: f32[1, 2, T, 8] = input
  )";
  expect_rewrite(recognize_attention, std::string(kHeads) + R"(
    %k1: f32[1, 2, 1, T, 8] = Reshape(%k) {shape = "1, 2, 1, T, 8"}
    %k2: f32[1, 2, 3, T, 8] = Expand(%k1) {shape = "1, 2, 3, T, 8"}
    %k3: f32[1, 6, T, 8] = Reshape(%k2) {shape = "1, 6, T, 8"}
    %v1: f32[1, 2, 1, T, 8] = Reshape(%v) {shape = "1, 2, 1, T, 8"}
    %v2: f32[1, 2, 3, T, 8] = Expand(%v1) {shape = "3, 1, 1"}
    %v3: f32[1, 6, T, 8] = Reshape(%v2) {shape = "1, 6, T, 8"}
    %kt: f32[1, 6, 8, T] = Transpose(%k3) {perm = "0, 1, 3, 2"}
    %s: f32[1, 6, T, T] = MatMul(%q, %kt)
    %p: f32[1, 6, T, T] = Softmax(%s)
    %y: f32[1, 6, T, 8] = MatMul(%p, %v3)
    return y = %y })",
                 std::string(kHeads) + R"(
    %y: f32[1, 6, T, 8] = Attention(%q, %k, %v) {scale = 1}
    return y = %y })");
}

constexpr std::string_view kThree = R"(graph g {
    %q: f32[4, 5, 8] = input
    %k: f32[4, 5, 8] = input
    %v: f32[4, 5, 6] = input
    %down: f32[1, 5, 5] = constant "causal -inf"
    %sees: i8[5, 5] = constant "sees"
    %hides: i8[5, 5] = constant "hides"
    %low: f32[] = constant "-1e9"
    %padding: f32[4, 1, 5] = input
    %kt: f32[4, 8, 5] = Transpose(%k) {perm = "0, 2, 1"}
    %s: f32[4, 5, 5] = MatMul(%q, %kt)
)";

constexpr std::string_view kThreeSources = R"(graph g {
    %q: f32[4, 5, 8] = input
    %k: f32[4, 5, 8] = input
    %v: f32[4, 5, 6] = input
    %down: f32[1, 5, 5] = constant "causal -inf"
    %sees: i8[5, 5] = constant "sees"
    %hides: i8[5, 5] = constant "hides"
    %low: f32[] = constant "-1e9"
    %padding: f32[4, 1, 5] = input
    %q4: f32[1, 4, 5, 8] = Reshape(%q) {shape = "1, 4, 5, 8"}
    %k4: f32[1, 4, 5, 8] = Reshape(%k) {shape = "1, 4, 5, 8"}
    %v4: f32[1, 4, 5, 6] = Reshape(%v) {shape = "1, 4, 5, 6"}
)";

constexpr std::string_view kEnd = R"(
    %p: f32[4, 5, 5] = Softmax(%m)
    %y: f32[4, 5, 6] = MatMul(%p, %v)
    return y = %y })";

void expect_causal(std::string_view mask, std::string_view attention) {
  expect_rewrite(recognize_attention, std::string(kThree) + std::string(mask) + std::string(kEnd),
                 std::string(kThreeSources) + std::string(attention) + R"(
    %y: f32[4, 5, 6] = Reshape(%a) {shape = "4, 5, 6"}
    return y = %y })",
                 {}, test::number_constant);
}

TEST(RecognizeAttention, CausalMasksOfEveryKindAndThreeAxes) {
  constexpr std::string_view kCausal =
      "%a: f32[1, 4, 5, 6] = Attention(%q4, %k4, %v4) {is_causal = 1, scale = 1}";
  expect_causal("%m: f32[4, 5, 5] = Add(%down, %s)", kCausal);
  expect_causal("%m: f32[4, 5, 5] = Where(%sees, %s, %low)", kCausal);
  expect_causal("%m: f32[4, 5, 5] = Where(%hides, %low, %s)", kCausal);
  expect_causal("%n: f32[4, 5, 5] = Add(%s, %padding) %m: f32[4, 5, 5] = Add(%n, %down)",
                "%a: f32[1, 4, 5, 6] = Attention(%q4, %k4, %v4, %padding) {is_causal = 1, scale = 1}");
}

TEST(RecognizeAttention, KeepsMasksThatSayMore) {
  // A finite number in hidden places counts where padding hides all others; -1e9 in whole rows too.
  for (const std::string_view mask :
       {"%n: f32[4, 5, 5] = Add(%s, %padding) %m: f32[4, 5, 5] = Where(%sees, %n, %low)",
        "%n: f32[4, 5, 5] = Add(%s, %padding) %m: f32[4, 5, 5] = Add(%n, %padding)",
        "%m: f32[4, 5, 5] = Where(%sees, %low, %s)"}) {
    const std::string graph = std::string(kThree) + std::string(mask) + std::string(kEnd);
    expect_rewrite(recognize_attention, graph, graph, {}, test::number_constant);
  }
}

TEST(RecognizeAttention, RefusesIntermediatesThatAreUsedElsewhere) {
  constexpr std::string_view kBefore = R"(
    %kt: f32[2, 4, 8, S] = Transpose(%k) {perm = "0, 1, 3, 2"}
    %s: f32[2, 4, T, S] = MatMul(%q, %kt)
    %p: f32[2, 4, T, S] = Softmax(%s)
    %y: f32[2, 4, T, 6] = MatMul(%p, %v)
  )";
  for (const std::string_view wanted : {"%s", "%p"}) {
    const std::string graph =
        std::string(kSources) + std::string(kBefore) + "return y = %y, also = " + std::string(wanted) + " }";
    expect_rewrite(recognize_attention, graph, graph, {}, test::number_constant);
  }
}

TEST(RecognizeAttention, RefusesAnotherAxisAndNegativeScale) {
  for (const std::string_view softmax : {"%p: f32[2, 4, T, S] = Softmax(%s) {axis = 2}",
                                         "%low: f32[] = constant \"-2\" %n: f32[2, 4, T, S] = Mul(%s, %low) "
                                         "%p: f32[2, 4, T, S] = Softmax(%n)"}) {
    const std::string graph = graph_of(R"(
    %kt: f32[2, 4, 8, S] = Transpose(%k) {perm = "0, 1, 3, 2"}
    %s: f32[2, 4, T, S] = MatMul(%q, %kt)
    )" + std::string(softmax) + "%y: f32[2, 4, T, 6] = MatMul(%p, %v)");
    expect_rewrite(recognize_attention, graph, graph, {}, test::number_constant);
  }
}

}  // namespace
}  // namespace lathe
